"""Every command by name: the unions that a worker and a client handle.

A declaration says what a command looks like (SPEC, rules OP*, AN2, LI*). Whether it fits the room's
state is for the room to decide.
"""

from __future__ import annotations

from .care import (
    CareAside,
    CareBack,
    CareCard,
    CareDone,
    CareFlag,
    CareOpen,
    CareTake,
    CareWithdraw,
    CareWorry,
    StaffClaim,
    StaffRelease,
)
from .chat import ChatDelete, ChatSay, React
from .concerns import ConcernsOffer, PairsPlan, TopicsSet
from .door import (
    AgreementAccept,
    AgreementReading,
    LinkReplace,
    LobbyAdmit,
    LobbyAdmitAll,
    LobbyDecline,
    LobbyDeclineAll,
    LobbyReturn,
)
from .evening import (
    AgendaBack,
    AgendaEdit,
    AgendaExtend,
    AgendaNext,
    AgendaStart,
    BreatheStart,
    BreatheStop,
    MilestoneClear,
    MilestoneShare,
    MoodAnswer,
    MoodAsk,
    MoodClose,
    VoiceDismiss,
    VoiceNudge,
)
from .floor import (
    FloorExtend,
    FloorLater,
    FloorOpen,
    FloorPass,
    FloorPause,
    FloorQuiet,
    FloorResume,
    FloorRound,
    FloorStick,
    HandLower,
    HandRaise,
)
from .guests import GuestBring, GuestRest
from .hello import HelloJoin, HelloResume
from .materials import MaterialHide, MaterialLink, MaterialOpen, MaterialText, MaterialUpload
from .media import MediaOffer, MediaServers, MediaTake
from .members import Leave, MemberRemove, Mute, MuteAll, RoleGive, SelfAway, SelfRename, Unmute
from .pairs import (
    HelpAsk,
    HelpDone,
    PairsClose,
    PairsExtend,
    PairsMove,
    PairsOpen,
    PairsReturn,
    PairsSay,
    PairsVisit,
)
from .room import RoomEnd, RoomExtend, RoomLock, RoomSettings, RoomUnlock

Hello = HelloJoin | HelloResume

Command = (
    AgreementAccept
    | AgreementReading
    | ChatSay
    | ChatDelete
    | React
    | HandRaise
    | HandLower
    | FloorOpen
    | FloorQuiet
    | FloorRound
    | FloorStick
    | FloorPass
    | FloorLater
    | FloorExtend
    | FloorPause
    | FloorResume
    | Mute
    | Unmute
    | MuteAll
    | PairsPlan
    | PairsOpen
    | PairsMove
    | PairsExtend
    | PairsSay
    | PairsClose
    | PairsVisit
    | PairsReturn
    | HelpAsk
    | HelpDone
    | LobbyAdmit
    | LobbyAdmitAll
    | LobbyDecline
    | LobbyDeclineAll
    | LobbyReturn
    | LinkReplace
    | RoomLock
    | RoomUnlock
    | RoomEnd
    | RoomExtend
    | RoomSettings
    | MemberRemove
    | RoleGive
    | SelfRename
    | SelfAway
    | Leave
    | CareFlag
    | CareWithdraw
    | CareWorry
    | CareTake
    | CareDone
    | CareAside
    | CareBack
    | CareCard
    | CareOpen
    | StaffClaim
    | StaffRelease
    | AgendaStart
    | AgendaNext
    | AgendaBack
    | AgendaExtend
    | AgendaEdit
    | MoodAsk
    | MoodAnswer
    | MoodClose
    | MilestoneShare
    | MilestoneClear
    | VoiceNudge
    | VoiceDismiss
    | MaterialLink
    | MaterialText
    | MaterialUpload
    | MaterialOpen
    | MaterialHide
    | GuestBring
    | GuestRest
    | BreatheStart
    | BreatheStop
    | TopicsSet
    | ConcernsOffer
    | MediaOffer
    | MediaServers
    | MediaTake
)
