"""The room as a pure state machine: decide, fold, view, routes, next_deadline.

`decide(state, command, now) -> Verdict | Refusal`, `fold(state, event) -> state`. What takes long
in deciding, groups for many people, can be done before: `plan_asked(state, command, now)`.

The rules stand in families, one package each (`floor`, `pairs`, `care`, …), listed in `families`;
`family` says what a family is made of. `commands` and `events` give all of them by name.
"""

from sitwith_server.room.deadlines import due_at, next_deadline
from sitwith_server.room.decide import Verdict, decide, plan_asked
from sitwith_server.room.draft import Refusal
from sitwith_server.room.fold import begin, fold, fold_all
from sitwith_server.room.lifetime.decide import forgets_at
from sitwith_server.room.media.routes import routes
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
