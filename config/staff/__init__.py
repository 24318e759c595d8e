"""The pages that staff see, below /admin; it knows both apps. One module for each page."""
