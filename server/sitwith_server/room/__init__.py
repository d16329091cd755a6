"""The room as a pure state machine: decide, fold, view, routes, next_deadline.

`decide(state, command, now) -> Verdict | Refusal`, `fold(state, event) -> state`. What takes long
in deciding, groups for many people, can be done before: `plan_asked(state, command, now)`.
"""

from sitwith_server.room.deadlines import due_at, forgets_at, next_deadline
from sitwith_server.room.decide import Refusal, Verdict, decide, plan_asked
from sitwith_server.room.fold import begin, fold, fold_all
from sitwith_server.room.routes import routes
from sitwith_server.room.view import view

__all__ = [
    "Refusal",
    "Verdict",
    "begin",
    "decide",
    "due_at",
    "fold",
    "fold_all",
    "forgets_at",
    "next_deadline",
    "plan_asked",
    "routes",
    "view",
]
