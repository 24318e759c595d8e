// What the theme's templates call by name: Alpine's CSP build finds only what is registered.
document.addEventListener("alpine:init", () => {
  Alpine.data("theme", () => theme("auto"));
  Alpine.data("searchForm", searchForm);
  Alpine.data("frame", () => ({
    activeTab: "general",
    // The theme's forms ask for these two; the real `window` is out of an expression's reach.
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
