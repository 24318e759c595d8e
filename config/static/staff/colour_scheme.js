// Sets the chosen colour scheme, or the system's, before the first paint.
(() => {
  let chosen = "auto";
  try {
    chosen = JSON.parse(localStorage.getItem("adminTheme") || '"auto"');
  } catch {
    // Storage may be unavailable, or hold a value of somebody else.
  }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.classList.add(
    chosen === "dark" || (chosen === "auto" && dark) ? "dark" : "light",
  );
})();
