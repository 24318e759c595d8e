"""The staff's pages: rights, actions, numbers, and each page in a browser."""
