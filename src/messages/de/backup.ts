import type { Wording } from "../catalogue.js";
import type { backup as english } from "../en/backup.js";

export const backup: Wording<typeof english> = {
  "backup.what.content": "Der Inhalt der Sicherung",
  "backup.none": "Die Datei {path} ist keine Sicherung eines Profils oder ist beschädigt.",
  "backup.is-bundle": "Die Datei {path} ist ein Bündel für ein Gerät und keine Sicherung eines Profils.",
  "backup.is-bundle.hint": "`meshman device install` nimmt es, auf dem Rechner, der das Gerät werden soll.",
  "backup.damaged": "Die Sicherung {path} ist beschädigt.",
  "backup.invalid.hint": "Verwenden Sie eine andere Kopie davon.",
  "backup.passphrase-wrong": "Die Passphrase öffnet die Sicherung nicht.",
  "backup.too-large": "Das Profil ist zu groß für eine Sicherung.",
  "backup.key-misnamed": "Ein Schlüssel in der Sicherung ist ein anderer, als sein Name sagt.",
  "backup.keys-incomplete": "Die Sicherung enthält nicht alle Schlüssel ihres Geräts.",
  "backup.other-records": "Die gespeicherten Datensätze gehören zu einem anderen Gerät oder Profil.",
  "backup.key-missing": "Der Schlüsselspeicher enthält den Schlüssel {kid} nicht, ohne den die Sicherung nutzlos wäre.",
  "backup.key-missing.hint":
    "Verbinden Sie dieses Gerät mit `meshman device connect` neu, oder spielen Sie eine frühere Sicherung ein.",
  "backup.fork":
    "Die Sicherung und dieses Gerät haben verschiedene Versionen des Profils gesehen, die gleich alt sind.",
  "backup.out-needed": "Eine Sicherung wird in eine Datei geschrieben: --out FILE.",
  "backup.private-only": "Die Optionen --out und --backup-passphrase-file oder -fd gehören zu --private.",
  "backup.no-format": "Eine Sicherung hat nur ein Format: --format gibt es nicht zusammen mit --private.",
  "backup.passphrase-twice":
    "Geben Sie die Passphrase der Sicherung nur auf einem Weg an: in einer Datei oder über einen Deskriptor.",
  "backup.passphrase-what": "Die Passphrase der Sicherung",
  "backup.passphrase-what.hint": "Verwenden Sie --backup-passphrase-file oder --backup-passphrase-fd.",
  "backup.passphrase-ask": "Passphrase der Sicherung",
  "backup.passphrase-ask-new": "Passphrase für die Sicherung",
  "backup.advice":
    "Die Datei und ihre Passphrase zusammen sind dieses Gerät. Bewahren Sie beide getrennt auf, und spielen Sie die Sicherung nur an seiner Stelle ein, nicht daneben.",
  "backup.holds": "Die Sicherung enthält:",
  "backup.question": "Hier als {name} einspielen?",
  "backup.profile-here": "Das Profil ist schon auf diesem Gerät, unter dem Namen {name}.",
  "backup.profile-here.hint": "Um dieses Gerät durch das Gerät der Sicherung zu ersetzen, verwenden Sie --replace.",
  "backup.restored": "Das Gerät der Sicherung ist jetzt auf diesem Rechner. Verwenden Sie es nirgendwo anders weiter.",
  "backup.replaced": "Das Gerät der Sicherung ist an die Stelle des früheren getreten.",
  "backup.device-gone": "Warnung: Das Profil, wie es hier bekannt ist, enthält das Gerät der Sicherung nicht mehr.",
  "backup.useless":
    "Das Profil, wie es hier am neuesten bekannt ist, enthält dieses Gerät, aber nicht mehr das der Sicherung, dessen Schlüssel niemand mehr annimmt.",
  "backup.useless.hint":
    "Nichts wurde geändert. Um die Sicherung dennoch zurückzuholen, geben Sie mit --home oder MESHMAN_HOME einen anderen Ordner an.",
  "backup.not-listed":
    "Warnung: Das Profil enthält dieses Gerät nicht mehr. Verbinden Sie es mit `meshman device connect` neu.",
};
