"""Why the demo's patients come, in a few words of their own language."""

from clinic_admin.choices import Country

REASONS: dict[str, tuple[str, ...]] = {
    Country.NORWAY: (
        "Hoste som ikke gir seg, tre uker nå.",
        "Vondt i skulderen etter fall på isen.",
        "Kontroll av blodtrykk.",
        "Vil snakke om søvn.",
        "Attest til jobben.",
        "Utslett på hendene.",
        "Årskontroll diabetes.",
        "Svimmel om morgenen.",
        "Vaksine før reise.",
    ),
    Country.DENMARK: (
        "Hoste, der ikke går væk.",
        "Ondt i knæet, når jeg går på trapper.",
        "Kontrol af blodtryk.",
        "Vil gerne tale om søvn.",
        "Udslæt på armene.",
        "Attest til kørekort.",
        "Årskontrol.",
    ),
}
