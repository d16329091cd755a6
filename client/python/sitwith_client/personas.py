"""The people of a rehearsal and what they say.

All names and lines are invented. They are about ordinary troubles and calm in tone, for people who
open the demo alone.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

NAMES: Final = (
    "Ada", "Benno", "Clara", "Dimitri", "Elif", "Farid", "Greta", "Hana", "Ines", "Jonas",
    "Kaya", "Lars", "Mira", "Noor", "Oskar", "Paula", "Quentin", "Rosa", "Samir", "Tilda",
    "Umut", "Vera", "Wanda", "Xenia", "Yusuf", "Zelda", "Anton", "Bea", "Caspar", "Delia",
    "Emre", "Fenja", "Gideon", "Helene", "Ivo", "Juno", "Kian", "Lotte", "Malik", "Nele",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Theme:
    """One trouble, with lines for the circle and for a small group."""

    turns: tuple[str, ...]
    pairs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Persona:
    """A rehearsal member. ``pace`` multiplies all pauses; ``shy`` is a probability."""

    name: str
    theme: Theme
    pace: float
    shy: float


THEMES: Final = (
    Theme(
        (
            "I have slept badly for some weeks. Last night it was five hours, and that felt rich.",
            "What helps me a little at night: I put the clock where I can't see it.",
            "I'm less cross with myself about the nights than I was. That is something.",
            "I went for a walk after supper instead of the news. I slept a bit better.",
        ),
        (
            "At three in the morning everything looks bigger than it is.",
            "Do you have anything that calms you before bed?",
            "I tried to read instead of turning over. It half works.",
            "It's good to say this to somebody who isn't worried about me.",
        ),
    ),
    Theme(
        (
            "My mother forgets more and more. This week she called me by my aunt's name.",
            "I have asked my brother to take every second Sunday. To my surprise he said yes.",
            "I'm learning that I can love her and still need an afternoon for myself.",
            "We looked at old photographs, and for an hour she was quite there.",
        ),
        (
            "I feel guilty when I'm glad to close the door behind me.",
            "How do you decide what you can give and what you can't?",
            "Nobody told me how much paperwork there is in looking after someone.",
            "She laughed yesterday. I keep that.",
        ),
    ),
    Theme(
        (
            "I moved here in spring and still know mostly the people at the bakery.",
            "I went to the choir's open evening. I nearly turned round at the door, then I didn't.",
            "Sundays are long in a new town. Today less so.",
            "Somebody remembered my name this week. It carried me for two days.",
        ),
        (
            "Did you ever start again somewhere?",
            "I miss having someone to call without a reason.",
            "I've begun to greet the neighbours first. Most of them answer.",
            "It's slower than I thought, but it isn't nothing.",
        ),
    ),
    Theme(
        (
            "I said no to an extra shift. My hands were shaking, and the world went on.",
            "At work I'm the one who always can. I'm practising to be one who sometimes can't.",
            "I notice that I apologise before I even speak. Today I'll try without.",
            "My manager asked how I am and waited for the answer. That was new.",
        ),
        (
            "What do you do when a no turns into a maybe?",
            "I rehearse the sentence in the bus.",
            "I'm more tired from being nice than from the work.",
            "Thank you for not telling me what I should do.",
        ),
    ),
    Theme(
        (
            "The flat is very quiet since my youngest moved out. I cook too much every evening.",
            "I've signed up for a pottery course. My first bowl leans, and I like it.",
            "I'm proud of her and I miss the noise. Both are true.",
            "We've agreed on a call on Wednesdays. I look forward to Wednesdays now.",
        ),
        (
            "I still buy the yoghurt that only she eats.",
            "Is there a room in your home that you avoid?",
            "I don't know yet what I like when nobody needs me.",
            "It helps that you don't find it silly.",
        ),
    ),
    Theme(
        (
            "I'm still waiting for an answer about the job. Waiting is work too.",
            "I gave each day one fixed point: at ten I leave the house, whatever comes.",
            "Another polite letter came. I let myself be sad for an evening, and that was enough.",
            "A friend read my letter of application and found three good things in it.",
        ),
        (
            "People ask what I do, and I never know how to begin.",
            "What gives your days a shape?",
            "I've started to count the things I did, not those I didn't.",
            "I'd like to be asked about something else than the search.",
        ),
    ),
    Theme(
        (
            "Our old dog died in the summer. I still listen for him on the stairs.",
            "Some people say it was only a dog. Here nobody says that.",
            "I walked our old round again without the lead. It was hard, and the light was lovely.",
            "I've put his blanket away. Not given it away, only put it away.",
        ),
        (
            "I talk to him when I come home. Is that unmatched?",
            "Did you ever lose somebody who never spoke a word?",
            "The mornings are the hardest, when he would have woken me.",
            "It's good to tell you his name: he was called Bruno.",
        ),
    ),
    Theme(
        (
            "I'm back to running after the injury: ten minutes, two pauses, one long grin.",
            "My knee decides how far I get, and I'm learning to ask it first.",
            "I used to measure everything. This week I left the watch at home.",
            "Being slow is new to me. One sees more gardens.",
        ),
        (
            "I was afraid that I wouldn't be myself without sport.",
            "What did you have to learn again?",
            "Patience isn't my talent, but I'm in training.",
            "I like how calmly you listen.",
        ),
    ),
    Theme(
        (
            "Money is tight this month, and I was ashamed to say so. Now I've said it.",
            "I went to the advice centre. They were friendly and had a form for everything.",
            "I cancelled two things I didn't need and kept the one that does me good.",
            "I opened all the letters. None was as bad as the pile.",
        ),
        (
            "I hadn't told anybody until last week.",
            "Do you also put letters aside?",
            "It's lighter since there's a list on the fridge.",
            "One thing at a time. Today's thing is done.",
        ),
    ),
    Theme(
        (
            "My exam is in three weeks. I study best when I stop in time.",
            "I've been comparing myself with everybody. Today I compare myself with March.",
            "I explained a chapter to my grandmother. She asked better questions than the book.",
            "I keep thinking that everyone else is ready. Probably they aren't.",
        ),
        (
            "My head goes empty as soon as somebody looks at me.",
            "What helps you when you're nervous?",
            "Breathing out longer than in. It sounds too simple, but it works.",
            "I think I just wanted to hear that it's all right to be afraid.",
        ),
    ),
)

CIRCLE_LINES: Final = (
    "I'm glad to be here tonight.",
    "It's good to sit with you for a while.",
    "I brought a cup of tea and not much else.",
    "Quiet evening here. Rain on the window.",
    "I'm only listening today, if that's all right.",
    "I nearly didn't come, and now I'm glad that I did.",
    "Hello everybody. Take your time.",
    "I like that nobody hurries here.",
    "I've been thinking about what was said last time.",
    "There's a blackbird outside that thinks it's morning.",
    "My week was all right. I wanted to say that too.",
    "I lit a candle. It's that kind of evening.",
    "I'm a bit tired, but I'm here.",
    "Thank you for keeping this place warm.",
)

AFTER_TURN: Final = (
    "Thank you for telling us.",
    "I know a piece of that.",
    "That stays with me.",
    "Thank you. I'm glad you said it.",
    "I hear you.",
    "That was good to listen to.",
    "I recognise that very much.",
    "Thank you for trusting us with that.",
)

TO_VISITOR: Final = (
    "Good that you're here.",
    "Thank you for saying that.",
    "I'm glad you wrote something.",
    "Welcome. There's no hurry.",
    "I hear you. Take the time you need.",
    "Thank you, I like having you in the circle.",
    "That makes sense to me.",
    "I'm listening.",
)

PAIR_OPENINGS: Final = (
    "Hello. Nice to sit with you.",
    "Hi. Shall I begin, or would you like to?",
    "Good to have a quiet corner for a moment.",
    "Hello you. How are you really?",
)

PAIR_REPLIES: Final = (
    "Mm. I understand that.",
    "Yes. It's similar with me.",
    "How long has it been like this?",
    "That sounds like a lot to carry.",
    "And what would help a little?",
    "I'm glad you told me.",
    "Take your time, I'm here.",
    "I wouldn't have thought so, you seem so calm.",
)

SIGNS: Final = ("heart", "with_you", "hear_you", "me_too", "calm")
SUPPORT: Final = ("hear_you", "me_too", "thank_you")
"""For somebody who has just spoken."""

HOST_NAME: Final = "Robin"

HOST_WELCOME: Final = (
    "Welcome, everybody. The stick goes round in a moment; passing is always fine.",
    "Good to have you here. We begin with a short round, each in their own time.",
    "Welcome to whoever has just come. You may simply listen.",
)

HOST_BETWEEN: Final = (
    "Thank you all. Let's sit for a moment before the next round.",
    "Thank you. We take a breath, then the stick goes round once more.",
    "A short pause. Have a sip of something.",
    "Thank you for listening to each other. We go on in a moment.",
)

HOST_PAIRS: Final = (
    "Now a few minutes in small groups. I'll call you back.",
    "Let's share in small groups for a short while. Just listen and be listened to.",
)

HOST_HELP: Final = (
    "I'm here. What would you need?",
    "Thank you for calling me. Take your time.",
)


def choose(members: int, chance: random.Random) -> list[Persona]:
    """``members`` different people; when the names run out, with an initial."""
    order = list(NAMES)
    chance.shuffle(order)
    themes = list(THEMES)
    chance.shuffle(themes)
    made = []
    for number in range(members):
        again, at = divmod(number, len(order))
        initials = (
            "" if again == 0 else f" {chr(ord('A') + (again - 1) % 26)}" * (1 + (again - 1) // 26)
        )
        made.append(
            Persona(
                name=order[at] + initials,
                theme=themes[number % len(themes)],
                pace=chance.uniform(0.8, 1.3),
                shy=chance.choice((0.0, 0.05, 0.1, 0.2)),
            )
        )
    return made
