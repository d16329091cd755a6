"""Coming in and going (EN*, RE*, PR*)."""
