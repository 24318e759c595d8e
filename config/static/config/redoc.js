// Initialises Redoc with our settings; in its own file, because the CSP forbids inline scripts.
const container = document.getElementById("redoc-container");
const settings = JSON.parse(document.getElementById("redoc-settings").textContent);
const FONT = { fontFamily: "system-ui, sans-serif" };
const THEME = { spacing: { sectionVertical: 14 }, typography: { ...FONT, headings: FONT } };
const DARK = {
  colors: {
    primary: { main: "#a5b4fc" },
    text: { primary: "#e5e7eb", secondary: "#9ca3af" },
    border: { dark: "#4b5563", light: "#374151" },
    gray: { 50: "#1f2937", 100: "#374151" },
    responses: {
      success: { color: "#4ade80", backgroundColor: "#14321f", tabTextColor: "#4ade80" },
      error: { color: "#f87171", backgroundColor: "#3b1519", tabTextColor: "#f87171" },
    },
  },
  schema: { nestedBackground: "#1b212b", linesColor: "#6b7280", typeNameColor: "#9ca3af" },
  sidebar: { backgroundColor: "#0d1117", textColor: "#e5e7eb" },
  rightPanel: { backgroundColor: "#0d1117" },
  codeBlock: { backgroundColor: "#05070a" },
  typography: { code: { color: "#fca5a5", backgroundColor: "#1f2937" } },
};

// A deep merge: values of the second object win.
function merged(one, other) {
  const both = { ...one };
  for (const [key, value] of Object.entries(other)) {
    const isObject = typeof value === "object" && key in both;
    both[key] = isObject ? merged(both[key], value) : value;
  }
  return both;
}

// Redoc loads its logo from another host, which the CSP forbids; this prevents the request.
const create = document.createElement.bind(document);
document.createElement = (name, ...options) => {
  const element = create(name, ...options);
  if (name === "img") {
    const set = element.setAttribute.bind(element);
    const isOurs = (address) => new URL(address, location.href).origin === location.origin;
    element.setAttribute = (key, value) => {
      if (key !== "src" || isOurs(value)) {
        set(key, value);
      } else {
        element.hidden = true;
      }
    };
    const src = { set: (value) => element.setAttribute("src", value), get: () => "" };
    Object.defineProperty(element, "src", src);
  }
  return element;
};

const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
settings.theme = merged(merged(THEME, isDark ? DARK : {}), settings.theme ?? {});
Redoc.init(container.dataset.schema, settings, container);
