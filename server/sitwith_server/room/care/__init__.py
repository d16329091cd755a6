"""Care: flags, worries, side rooms and contact cards (CL*)."""
