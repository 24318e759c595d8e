"""Models, their versions, their contracts and the jobs that train and run them."""
