"""A module that fails when it is imported, as one that a setting names may."""

raise RuntimeError("this module is broken")
