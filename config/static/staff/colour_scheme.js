// Before anything is drawn: the colour scheme that was chosen, else the system's.
(() => {
  let chosen = "auto";
  try {
    chosen = JSON.parse(localStorage.getItem("adminTheme") || '"auto"');
  } catch {
    // Storage may be closed to us, or hold what we did not write.
  }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.classList.add(
    chosen === "dark" || (chosen === "auto" && dark) ? "dark" : "light",
  );
})();
