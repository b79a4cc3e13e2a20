"""The texts that a clinic begins with, and can go back to (000 §5, §6). Plain text with the marks of markup.py."""

from clinic_admin.choices import DOCTOR_TAG, PATIENT_TAG, TextKind

FACTORY: dict[TextKind, dict[str, str]] = {
    TextKind.GUIDANCE_BOOKING: {
        "nb": """\
Her bestiller du time til det som kan vente noen dager.

- Skriv kort hva timen gjelder, så kan legen forberede seg.
- Har du flere ting å ta opp, eller trenger du en attest? Skriv det også, så vi kan sette av nok tid.
- Kan du ikke komme, avbestill så tidlig du kan. Da får noen andre timen.

**Haster det?** Ring oss. Er det fare for liv, ring 113.""",
        "da": """\
Her bestiller du tid til det, der kan vente nogle dage.

- Skriv kort, hvad det drejer sig om, så lægen kan forberede sig.
- Har du flere ting at tale om, eller skal du bruge en attest? Skriv det også, så vi kan sætte tid nok af.
- Kan du ikke komme, så afbestil så tidligt du kan. Så får en anden tiden.

**Haster det?** Ring til os. Er der fare for liv, så ring 112.""",
        "en": """\
Book here for anything that can wait a few days.

- Say in a few words what it is about, so that the doctor can prepare.
- Is there more than one thing, or do you need a certificate? Say that too, so that we set aside enough time.
- If you can't come, cancel as early as you can. Someone else will be glad of the time.

**Can't it wait?** Phone us. In danger of life, phone 113 in Norway or 112 in Denmark.""",
    },
    TextKind.GUIDANCE_URGENT: {
        "nb": """\
Hastetimer er for det som ikke kan vente til en annen dag, for eksempel:

- feber som ikke gir seg, eller et sykt barn
- sterke smerter som har kommet brått
- mistanke om urinveisinfeksjon eller en annen infeksjon

**Ring 113** ved brystsmerter, pustevansker, lammelser eller andre tegn på alvorlig sykdom. Ikke vent på en time.""",
        "da": """\
Akutte tider er til det, der ikke kan vente til en anden dag, for eksempel:

- feber, der bliver ved, eller et sygt barn
- stærke smerter, der er kommet pludseligt
- mistanke om blærebetændelse eller en anden infektion

**Ring 112** ved brystsmerter, åndenød, lammelser eller andre tegn på alvorlig sygdom. Vent ikke på en tid.""",
        "en": """\
Urgent times are for what can't wait until another day, for example:

- a fever that does not go down, or a sick child
- strong pain that came suddenly
- a suspected urinary or other infection

**Phone 113 in Norway or 112 in Denmark** for chest pain, trouble breathing, paralysis or other signs of serious \
illness. Don't wait for an appointment.""",
    },
    TextKind.ABOUT: {"nb": "", "da": "", "en": ""},
    TextKind.REJECTED_CONSULTATION: {
        "nb": f"""\
Hei {PATIENT_TAG}

Dette spørsmålet kan vi dessverre ikke svare på i en e-konsultasjon. Bestill gjerne en time, så ser vi på det sammen.

Vennlig hilsen
{DOCTOR_TAG}""",
        "da": f"""\
Kære {PATIENT_TAG}

Det spørgsmål kan vi desværre ikke svare på i en e-konsultation. Bestil gerne en tid, så ser vi på det sammen.

Venlig hilsen
{DOCTOR_TAG}""",
        "en": f"""\
Dear {PATIENT_TAG}

Unfortunately we can't answer this question in an e-consultation. Please book an appointment, and we will look at it \
together.

Kind regards
{DOCTOR_TAG}""",
    },
    TextKind.SIGNATURE: {"": ""},
}


def factory_text(kind: TextKind, language: str) -> str:
    """Return the text the product comes with; empty where the clinic has to write its own."""
    return FACTORY[kind][language]
