import type { Wording } from "../catalogue.js";
import type { mesh as english } from "../en/mesh.js";

export const mesh: Wording<typeof english> = {
  "schema.value-wrong": "{what} {fault}.",
  "schema.member-wrong": "{what}: Das Element {member} {fault}.",
  // All subjects are in the singular, for these predicates.
  "problem.form": "fehlt, ist unbekannt oder hat die falsche Form",
  "problem.fingerprint": "ist kein Fingerabdruck in kanonischer Form",
  "problem.legacy-fingerprint": "ist kein Fingerabdruck mit 150 Bit",
  "problem.time-format": "ist keine Zeitangabe nach RFC 3339 in UTC",
  "problem.time": "ist keine Zeitangabe",
  "problem.sha256": "ist kein SHA-256-Hashwert",
  "problem.key-twice": "enthält einen Schlüssel zweimal",
  "problem.power-of-two": "ist keine Zweierpotenz",
  "problem.binary-length": "ist kein Binärwert der richtigen Länge",

  "mesh.what.type": "Der Datensatz {type}",
  "mesh.what.record": "Der Datensatz",
  "mesh.what.protected-header": "Der geschützte Header",
  "mesh.what.public-key": "Der öffentliche Schlüssel",
  "mesh.what.encrypted-data": "Der verschlüsselte Inhalt",

  "mesh.address-long": "Die Kontoadresse ist zu lang.",
  "mesh.address-nameless": "In der Kontoadresse steht kein Name vor dem @.",
  "mesh.address-name-long": "Der Name in der Kontoadresse hat mehr als {maximum} Zeichen.",
  "mesh.address-characters": "Die Kontoadresse enthält Zeichen, die nicht erlaubt sind: {characters}.",
  "mesh.address-dots":
    "Der Name in der Kontoadresse beginnt oder endet mit einem Punkt oder enthält zwei Punkte hintereinander.",
  "mesh.address-domainless": "In der Kontoadresse fehlt die Domain.",
  "mesh.address-domain": "Die Domain in der Kontoadresse ist kein Domainname.",
  "mesh.address.hint": "Eine Adresse sieht aus wie alice@example.com.",
  "mesh.base32-character": "Das Zeichen {character} kommt in Base32-Text nicht vor.",
  "mesh.base32-spelling": "Der Base32-Text ist nicht die kanonische Schreibweise seiner Bytes.",
  "mesh.fingerprint-bits": "Ein Fingerabdruck hat 100 bis 500 Bit, in Schritten von 20.",
  "mesh.fingerprint-long": "Der Fingerabdruck ist zu lang.",
  "mesh.fingerprint-letter": "Ein Fingerabdruck beginnt mit dem Buchstaben M.",
  "mesh.fingerprint-length": {
    one: "Der Fingerabdruck hat nur {count} Zeichen, nötig sind {needed}.",
    other: "Der Fingerabdruck hat {count} Zeichen, nötig sind {needed}.",
  },
  "mesh.fingerprint-kind": "Der Fingerabdruck ist kein unkomprimierter SHA-2-512-Fingerabdruck.",
  "mesh.verification-code": "Das ist kein Prüfcode: Er besteht aus fünf Gruppen von vier Buchstaben und Ziffern.",
  "mesh.verification-code.hint": "Geben Sie den ganzen Code ein, wie ihn das neue Gerät anzeigt.",
  "mesh.split-sizes":
    "Ein Schlüssel wird in höchstens {maximum} Anteile aufgeteilt, von denen mindestens 2 nötig sind.",
  "mesh.split-sizes.hint": "Zum Beispiel: --shares 3 --threshold 2",
  "mesh.share-length": "Beim Aufteilen ist ein Anteil mit falscher Länge entstanden.",
  "mesh.share-mistyped": "Der Anteil enthält einen Tippfehler oder ist unvollständig.",
  "mesh.share-mistyped.hint": "Vergleichen Sie ihn Gruppe für Gruppe mit dem Original.",
  "mesh.share-foreign": "Der Anteil wurde von einem anderen Mesh-Programm erzeugt.",
  "mesh.share-format": "Der Anteil hat ein Format, das diese Version von meshman nicht kennt.",
  "mesh.share-format.hint": "Verwenden Sie eine neuere Version von meshman.",
  "mesh.shares-none": "Es wurde kein Anteil angegeben.",
  "mesh.shares-mixed": "Die Anteile gehören nicht alle zum selben Satz.",
  "mesh.shares-mixed.hint":
    "Jedes `escrow split` erzeugt einen eigenen Satz. Nehmen Sie Anteile, die zusammen entstanden sind.",
  "mesh.shares-duplicate": "Ein Anteil wurde zweimal angegeben.",
  "mesh.shares-missing": {
    one: "Es sind {needed} Anteile nötig, und nur {count} wurde angegeben.",
    other: "Es sind {needed} Anteile nötig, und nur {count} wurden angegeben.",
  },
  "mesh.shares-wrong": "Die Anteile ergeben keinen Schlüssel ihres Satzes.",

  "mesh.base64url": "Ein Binärwert ist kein kanonisches base64url ohne Füllzeichen.",
  "mesh.utf8": "Der Text ist kein wohlgeformtes UTF-8.",
  "mesh.json-malformed": "Der JSON-Text ist nicht wohlgeformt.",
  "mesh.json-deep": "Der JSON-Text ist tiefer als {levels} Ebenen verschachtelt.",
  "mesh.json-proto": "Der JSON-Text enthält ein Element namens __proto__.",
  "mesh.json-member-twice": "Der JSON-Text enthält das Element {member} zweimal.",
  "mesh.json-surrogate": "Der JSON-Text enthält in einer Zeichenkette ein einzelnes Surrogatzeichen.",

  "mesh.private-key-other": "Ein privater Schlüssel gehört nicht zu dem öffentlichen, der mit ihm gespeichert ist.",
  "mesh.key-curve": "Ein {use}-Schlüssel liegt nicht auf der Kurve {curve}.",
  "mesh.key-length": "Ein öffentlicher Schlüssel hat nicht 32 Bytes.",
  "mesh.key-fingerprint": "Ein öffentlicher Schlüssel hat nicht den Fingerabdruck, der bei ihm steht.",
  "mesh.key-unsafe": "Der {use}-Schlüssel {udf} ist kein sicherer öffentlicher Schlüssel.",
  "mesh.chain-alone": "Der Schlüssel {udf} hat eine Zertifikatskette, aber kein Zertifikat.",
  "mesh.certificate-other": "Das Zertifikat beim Schlüssel {udf} gilt für einen anderen Schlüssel.",
  "mesh.chain-start": "Die Zertifikatskette des Schlüssels {udf} beginnt nicht mit seinem Aussteller.",
  "mesh.certificate-form": "Ein Zertifikat beim Schlüssel {udf} ist kein X.509-Zertifikat in DER-Kodierung.",
  "mesh.master-key-curve": "Ein Hauptsignaturschlüssel liegt auf der Kurve Ed25519.",
  "mesh.certificates-none": "Das Masterprofil hat keine Zertifikate.",
  "mesh.certificates-none.hint":
    "Sie entstehen mit der nächsten Version des Masterprofils, etwa wenn ein Verwaltungsgerät hinzukommt oder wegfällt.",
  "mesh.rsa-modulus": "Ein RSA-Modul ist keine ungerade Zahl von 2048 bis 4096 Bit in ganzen Bytes.",
  "mesh.rsa-exponent": "Ein öffentlicher RSA-Exponent ist keine ungerade Zahl von höchstens 32 Bit.",
  "mesh.certificate-unreadable": "Ein Zertifikat kann nicht gelesen werden.",
  "mesh.key-empty": "Ein öffentlicher Schlüssel hat weder seine Zahlen noch ein Zertifikat.",

  "mesh.record-large": "Der Datensatz {type} wäre größer, als ein Datensatz sein darf: {maximum} Bytes.",
  "mesh.header-spelling": "Der geschützte Header ist nicht so geschrieben wie in jedem Datensatz.",
  "mesh.payload-type": "Die Nutzdaten sind nicht vom Typ {type}.",
  "mesh.signer-not-allowed": "Der Schlüssel {udf} darf diesen Datensatz nicht signieren.",
  "mesh.signature-wrong": "Die Signatur eines Datensatzes ist ungültig.",
  "mesh.decryption-failed": "Der verschlüsselte Inhalt lässt sich mit diesem Schlüssel nicht öffnen.",
  "mesh.legacy-header": "Der Header eines Datensatzes ist keiner von 2016.",
  "mesh.legacy-payload": "Die Nutzdaten haben nicht genau ein Element.",
  "mesh.legacy-digest": "Der Hashwert in einem geschützten Header ist nicht der der Nutzdaten.",

  "mesh.master-name": "Ein Masterprofil ist nicht nach seinem Signaturschlüssel benannt.",
  "mesh.master-administrator-key": "Der Schlüssel eines Verwaltungsgeräts fehlt unter den Online-Signaturschlüsseln.",
  "mesh.master-administrators": "Verwaltungsgeräte und Online-Signaturschlüssel gehören nicht eins zu eins zusammen.",
  "mesh.revocation-sequence":
    "Nur eine Widerrufserklärung hat die höchstmögliche Versionsnummer, und jede Widerrufserklärung hat sie.",
  "mesh.revocation-keys": "Eine Widerrufserklärung nennt andere Schlüssel als den Hauptschlüssel.",
  "mesh.master-incomplete": "In einem Masterprofil fehlt ein Hinterlegungsschlüssel oder ein Verwaltungsgerät.",
  "mesh.master-predecessor": "Ein Masterprofil nennt seinen Vorgänger, außer wenn es das erste ist.",

  "mesh.device-name": "Ein Geräteprofil ist nicht nach seinem Signaturschlüssel benannt.",
  "mesh.device-key-reused": "Ein Gerät verwendet einen Schlüssel für mehrere Zwecke.",

  "mesh.personal-name": "Ein persönliches Profil ist nicht nach seinem Hauptsignaturschlüssel benannt.",
  "mesh.personal-revoked": "Ein persönliches Profil enthält als Masterprofil eine Widerrufserklärung.",
  "mesh.personal-signer": "Ein persönliches Profil enthält das Gerät nicht, das es signiert hat.",
  "mesh.personal-predecessor":
    "Ein persönliches Profil nennt seinen Vorgänger, außer wenn es das erste seiner Epoche ist.",
  "mesh.personal-twice": "Ein persönliches Profil enthält ein Gerät oder einen Schlüssel zweimal.",
  "mesh.personal-administrator-key":
    "Der Schlüssel eines Verwaltungsgeräts ist nicht der, der in seinem Geräteprofil steht.",
  "mesh.personal-entry": "Ein Geräteeintrag ist doppelt oder gehört zu keinem Gerät.",
  "mesh.device-unknown": "Das Profil hat kein Gerät {device}.",
  "mesh.device-unknown.hint": "`meshman device list` zeigt alle Geräte.",
  "mesh.device-ambiguous": "Mehrere Geräte heißen {device}.",
  "mesh.device-ambiguous.hint": "Geben Sie den UDF des Geräts an; `meshman device list` zeigt ihn.",
  "mesh.devices-many": "Ein Profil enthält höchstens {maximum} Geräte.",
  "mesh.devices-many.hint": "Entfernen Sie zuerst ein Gerät: meshman device remove NAME",
  "mesh.rollback": "Das Portal zeigt Version {shown} des Profils, aber Version {seen} wurde schon gesehen.",
  "mesh.rollback.hint":
    "Das Portal hat Daten verloren oder ist nicht ehrlich. Verwenden Sie es nicht weiter, bevor Sie wissen, welches von beidem zutrifft.",
  "mesh.fork": "Das Portal zeigt eine andere Version des Profils als die, die schon gesehen wurde.",
  "mesh.fork.hint":
    "Auf dem Portal hat das Profil zwei verschiedene Verläufe. Vergleichen Sie `meshman profile show` auf allen Ihren Geräten.",

  "mesh.application-payload": "Die Nutzdaten des SignedApplicationProfile fehlen oder sind nicht lesbar.",
  "mesh.application-type": "Die Nutzdaten sind kein Anwendungsprofil.",
  "mesh.application-identifier": "Ein Anwendungsprofil hat nicht die Kennung, die darauf steht.",
  "mesh.application-predecessor": "Ein Anwendungsprofil nennt seinen Vorgänger, außer wenn es das erste ist.",
  "mesh.application-owner": "Das Anwendungsprofil gehört einer anderen Person.",

  "mesh.connection-request-name": "Eine Verbindungsanfrage ist nicht nach ihrem Gerät benannt.",
  "mesh.connection-result-name": "Ein Verbindungsergebnis ist nicht nach seinem Gerät benannt.",

  "mesh.escrow-other": "Der Hinterlegungseintrag gehört zu einem anderen Hinterlegungsschlüssel.",
  "mesh.escrow-owner": "Der Hinterlegungseintrag enthält die Schlüssel eines anderen Eintrags oder einer anderen Person.",
  "mesh.escrow-incomplete":
    "Im Hinterlegungseintrag fehlt ein Schlüssel des Masterprofils, das er enthält.",

  "mesh.records-list": "Das Element {member} ist keine Liste.",
  "mesh.records-many": "Die Dateien enthalten mehr Datensätze, als auf einmal geprüft werden können.",
  "mesh.records-many.hint":
    "Prüfen Sie sie in kleineren Gruppen, jede mit den Profilen, die ihre Datensätze brauchen.",
  "mesh.records-wrapped": "Ein Datensatz der heutigen Form enthält keine Zeilenumbrüche innerhalb von Zeichenketten.",
  "mesh.legacy-master-name": "Ein Masterprofil ist nicht nach seinem Schlüssel benannt.",
  "mesh.legacy-device-name": "Ein Geräteprofil ist nicht nach seinem Schlüssel benannt.",
  "mesh.legacy-personal-name": "Ein persönliches Profil ist nicht nach seinem Masterprofil benannt.",
  "mesh.legacy-identifiers": "Die beiden Kennungen eines Datensatzes stimmen nicht überein.",
  "mesh.legacy-identifier": "Ein Datensatz hat keine Kennung oder eine, die er nicht haben kann.",
  "mesh.records-deep": "Logeinträge sind zu tief verschachtelt.",
  "mesh.records-none": "In {file} wurde kein signierter Datensatz gefunden.",
  "mesh.records-none.hint":
    "Geben Sie Dateien mit Datensätzen, Listen von Datensätzen, Exporten oder Logs des Mesh an, jeweils als JSON.",
  "mesh.record-misnamed": "Ein Datensatz enthält nicht, was sein Name sagt.",

  "mesh.request-header-long": "Ein Header, der zur Signatur gehört, ist zu lang.",
  "mesh.request-digest": "Der Header Content-Digest fehlt oder ist nicht der SHA-256-Hashwert des Inhalts.",
  "mesh.request-foreign": "Das ist keine Mesh-Signatur.",
  "mesh.request-nonce": "Die Nonce hat nicht 16 Bytes.",
  "mesh.request-key-unknown": "Der Schlüssel ist nicht bekannt.",
  "mesh.request-unsigned":
    "Die Anfrage ist nicht mit einem Authentifizierungsschlüssel signiert, der sie stellen darf.",
  "mesh.request-parameter": "Der Signatur fehlt ein Parameter.",
  "mesh.clock-skew": "Die Anfrage wurde um {signed} signiert, und beim Portal ist es {now}.",
  "mesh.clock-skew-timeless":
    "Die Anfrage wurde zu einer Zeit signiert, die es in keinem Kalender gibt, und beim Portal ist es {now}.",
  "mesh.clock-skew.hint": "Stellen Sie die Uhr, und versuchen Sie es noch einmal.",
};
