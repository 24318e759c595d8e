// Registers the components of the theme's templates, which Alpine's CSP build requires.
document.addEventListener("alpine:init", () => {
  Alpine.data("theme", () => theme("auto"));
  Alpine.data("searchForm", searchForm);
  Alpine.data("frame", () => ({
    activeTab: "general",
    // The theme's forms use these two; CSP expressions can't reach the real `window`.
    window: { location: { pathname: location.pathname, search: location.search } },
    filterOpen: false,
    sidebarMobileOpen: false,
    sidebarDesktopOpen: localStorage.getItem("sidebarDesktopOpen") !== "0",
    toggleSidebar() {
      this.sidebarDesktopOpen = !this.sidebarDesktopOpen;
      localStorage.setItem("sidebarDesktopOpen", this.sidebarDesktopOpen ? "1" : "0");
    },
    toggleMobileSidebar() {
      this.sidebarMobileOpen = !this.sidebarMobileOpen;
    },
    closeAll() {
      this.sidebarMobileOpen = false;
    },
  }));
});
