"""A room's time: its end, forgetting, a freeze (TI*, FG*)."""
