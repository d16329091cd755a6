"""Plans for groups: matchings and searches, decided by a seed alone."""
