"""Words that claim a role, in the languages of the page (rule NA2): data alone.

English, German, Spanish, French, Arabic and Portuguese. `CLAIMS` are refused anywhere in a name.
`APART` are also names or nicknames (Mod, Mentor, Pastor, Muyassar), so they are refused only where
a name sets them apart: "Kim (mod)", "Kim | Team".
"""

from __future__ import annotations

from typing import Final

CLAIMS: Final = """
sitwith
facilitator facilitators facilitation moderator moderators host hosts hostess hostesses admin admins
administrator administrators sysadmin sysop superuser organizer organizers organiser organisers
coordinator coordinators leader leaders staff therapist therapists psychotherapist psychologist
psychologists psychiatrist psychiatrists counsellor counsellors counselor counselors clinician
clinicians caseworker socialworker supervisor supervisors mediator mediators official verified
helpdesk helpline hotline

moderatorin moderatoren moderatorinnen moderation gastgeber gastgeberin gastgebende gastgeberinnen
leiter leiterin leitung gruppenleiter gruppenleiterin gruppenleitung kursleiter kursleiterin
kursleitung gesprächsleiter gesprächsleiterin gesprächsleitung fazilitator fazilitatorin
facilitatorin therapeut therapeutin therapeuten therapeutinnen psychotherapeut psychotherapeutin
psychologe psychologin psychologen psychiater psychiaterin berater beraterin beratung betreuer
betreuerin betreuung begleiter begleiterin gruppenbegleiter gruppenbegleiterin veranstalter
veranstalterin organisator organisatorin koordinator koordinatorin administratorin verwalter
verwalterin mitarbeiter mitarbeiterin fachkraft seelsorger seelsorgerin sozialarbeiter
sozialarbeiterin supervisorin mediatorin hostin adminin offiziell verifiziert

facilitador facilitadora facilitadores facilitadoras moderador moderadora moderadores moderadoras
anfitrión anfitriona anfitriones anfitrionas administrador administradora administradores
organizador organizadora organizadores coordinador coordinadora coordinadores terapeuta terapeutas
psicoterapeuta psicólogo psicóloga psicólogos psicólogas psiquiatra psiquiatras consejero consejera
consejeros líder líderes lideresa encargado encargada responsable responsables verificado verificada
oficial oficiales supervisora mediador mediadora dinamizador dinamizadora

facilitateur facilitateurs facilitatrice facilitatrices modérateur modérateurs modératrice
modératrices animateur animateurs animatrice animatrices hôte hôtes hôtesse hôtesses administrateur
administratrice organisateur organisatrice coordinateur coordinatrice coordonnateur coordonnatrice
thérapeute thérapeutes psychothérapeute psychologue psychologues psychiatre psychiatres conseiller
conseillère conseillers intervenant intervenante intervenants éducateur éducatrice accompagnateur
accompagnatrice superviseur superviseuse encadrant encadrante soignant soignante officiel officielle
vérifié vérifiée médiateur médiatrice

anfitrião anfitriã anfitriões anfitriãs coordenador coordenadora coordenadores conselheiro
conselheira responsável responsáveis apresentador apresentadora

مضيف مضيفة مضيفون منسق منسقة مدير مديرة معالج معالجة أخصائي أخصائية اختصاصي اختصاصية مستشار مستشارة
موظف موظفة موظفون طاقم مسؤول مسؤولة مسئول مسئولة موثق موثقة أدمن ادمن مودريتر مودريتور هوست
فاسيليتيتور ميسرون
""".split()  # noqa: SIM905

APART: Final = """
mod mods modo cohort op ops sys system bot server support team crew care lead chair chairperson boss
chief captain owner operator manager trainer coach instructor teacher mentor sponsor guide helper
helpers pastor chaplain doctor dr nurse medic police security guard root
facil fac

personal aufsicht pfleger pflegerin pflegekraft arzt ärztin chef chefin trainerin psycho meister

equipo monitor monitora guía tutor tutora conductor conductora jefe jefa médico médica enfermero
enfermera doctora ayudante animador animadora soporte

équipe psy formateur formatrice cheffe médecin infirmier infirmière docteur bénévole

equipe equipa guia chefe enfermeiro enfermeira suporte

ميسر ميسرة مشرف مشرفة مرشد مرشدة قائد قائدة فريق رسمي طبيب طبيبة دكتور دكتورة الدعم دعم
""".split()  # noqa: SIM905

FILLERS: Final = """
co ko ex vice vize sub super head main first senior deputy assistant the a an your our my this of
for and group groups circle room online peer
der die das des dem eine ein unser unsere euer eure deine dein und für von gruppe gruppen kreis
el la los las un una de del tu su nuestro nuestra y para grupo círculo sala
le les une du des ton ta votre notre et pour groupe cercle salle
o os as um uma do da seu sua nosso nossa e
ال هذا هذه
""".split()  # noqa: SIM905
"""Words beside a role that do not change the claim: "your co-host", "the mod"."""

GLUED: Final = [
    "co",
    "ko",
    "vice",
    "vize",
    "sub",
    "super",
    "the",
    "real",
    "your",
    "our",
    "my",
    "mr",
    "mrs",
    "ms",
    "dr",
    "der",
    "die",
    "das",
    "el",
    "la",
    "le",
    "un",
]
"""What may be joined to a role in one word: "cohost", "realadmin"."""

ARTICLES: Final = ("ال", "وال", "بال", "لل", "و")
"""Arabic's article and particles, which are joined to their word."""
