"""One module a study, each with a constant ``STUDY``; a new module here is a new study."""
