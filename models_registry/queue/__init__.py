"""The life of a job: claim, dispatch, outcome; and the wake-ups and sweeps around it."""
