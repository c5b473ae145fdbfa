import type { Wording } from "../catalogue.js";
import type { doctor as english } from "../en/doctor.js";

export const doctor: Wording<typeof english> = {
  "doctor.heading-status": "STATUS",
  "doctor.heading-check": "PRÜFUNG",
  "doctor.heading-finding": "BEFUND",
  "doctor.status-ok": "ok",
  "doctor.status-warning": "Warnung",
  "doctor.status-problem": "PROBLEM",
  "doctor.summary-ok": "Alles ist in Ordnung.",
  "doctor.summary-warnings": { one: "{count} Warnung, kein Problem.", other: "{count} Warnungen, kein Problem." },
  "doctor.summary-problems": { one: "{count} Problem.", other: "{count} Probleme." },

  "doctor.node": "Node {version} ist neu genug.",
  "doctor.node-old": "Node {version} ist zu alt: Nötig ist mindestens {needed}.",
  "doctor.node-old.mend": "Installieren Sie Node {needed} oder eine neuere Version.",

  "doctor.home": "Der Home-Ordner {path} gehört Ihnen allein.",
  "doctor.home-none": "Den Home-Ordner {path} gibt es noch nicht.",
  "doctor.home-foreign": "Der Home-Ordner {path} gehört einem anderen Benutzer.",
  "doctor.home-read-only":
    "In den Home-Ordner {path} kann nicht geschrieben werden: Es funktionieren nur Befehle, die nichts ändern.",
  "doctor.permissions": "Niemand sonst hat Zugriff auf die Dateien.",
  "doctor.busy": "Ein anderer Prozess arbeitet gerade im Home-Ordner.",
  "doctor.no-leftovers": "Kein Prozess hat etwas Unfertiges hinterlassen.",
  "doctor.leftovers": "Ein gewaltsam beendeter Prozess hat dies hinterlassen: {names}.",
  "doctor.leftovers.mend": "Der nächste Befehl, der etwas ändert, entfernt es.",

  "doctor.keystore": {
    one: "Der Schlüsselspeicher {path} enthält {count} Schlüssel.",
    other: "Der Schlüsselspeicher {path} enthält {count} Schlüssel.",
  },
  "doctor.keystore-none": "Es gibt noch keinen Schlüsselspeicher.",
  "doctor.protection-passphrase": "Eine Passphrase öffnet den Schlüsselspeicher.",
  "doctor.protection-keyring":
    "Der Schlüsselbund des Systems öffnet den Schlüsselspeicher, und sonst dessen Passphrase.",
  "doctor.protection-key": "Ein Schlüssel, der jedes Mal angegeben wird, öffnet den Schlüsselspeicher.",
  "doctor.protection-key-file": "Die Schlüsseldatei {path} öffnet den Schlüsselspeicher.",
  "doctor.keyring-none":
    "Hier gibt es keinen Schlüsselbund des Systems, der den Schlüsselspeicher öffnen könnte; dessen Passphrase öffnet ihn trotzdem.",
  "doctor.keyring-none.mend":
    "Geben Sie sie mit --passphrase-file oder an einem Terminal an; `meshman keystore protect` ändert, was den Schlüsselspeicher öffnet.",
  "doctor.key-file-missing": "Die Schlüsseldatei {path}, die den Schlüsselspeicher öffnet, ist nicht da.",
  "doctor.key-file-useless": "Die Schlüsseldatei {path} enthält keinen Schlüssel.",
  "doctor.key-file.mend":
    "Schließen Sie ihren Datenträger an, oder holen Sie sie aus einer Sicherung zurück; stellen Sie sonst das Profil mit `meshman escrow recover` aus Anteilen wieder her.",
  "doctor.agent": "Der Schlüsselspeicher ist noch {time} entsperrt.",
  "doctor.agent-none": "Der Schlüsselspeicher ist zwischen den Befehlen gesperrt.",
  "doctor.agent-trouble.mend":
    "Die Befehle arbeiten auch ohne den Agenten. `meshman keystore lock` beendet, was Ihnen gehört.",
  "doctor.pins": "Die Einträge in pins.json sind lesbar; Profile: {profiles}, Portale: {portals}.",
  "doctor.pins-authentic": "Die Einträge in pins.json sind so, wie meshman sie geschrieben hat.",

  "doctor.no-profile": "Auf diesem Gerät gibt es noch kein Profil.",
  "doctor.profile": "{name}: Version {version} ist gespeichert und besteht die Prüfung.",
  "doctor.profile-unseen": "{name}: Dieses Gerät hat noch keine Version des Profils.",
  "doctor.default-missing": "Das Standardprofil {udf} ist nicht auf diesem Gerät.",
  "doctor.revoked": "{name}: von seinem Inhaber widerrufen ({time}).",
  "doctor.keys": "{name}: Die Schlüssel dieses Geräts sind im Schlüsselspeicher.",
  "doctor.keys-missing": {
    one: "{name}: {count} Schlüssel dieses Geräts ist nicht im Schlüsselspeicher.",
    other: "{name}: {count} Schlüssel dieses Geräts sind nicht im Schlüsselspeicher.",
  },
  "doctor.keys-missing.mend":
    "Spielen Sie mit `meshman profile import` eine Sicherung ein, oder verbinden Sie dieses Gerät in einem neuen Home-Ordner neu.",
  "doctor.keys-stray": {
    one: "Der Schlüsselspeicher enthält {count} Schlüssel des Profils {udf}, das hier keine Datei hat.",
    other: "Der Schlüsselspeicher enthält {count} Schlüssel des Profils {udf}, das hier keine Datei hat.",
  },
  "doctor.keys-stray.mend":
    "Wenn es Ihr Profil war, spielen Sie mit `meshman profile import` eine Sicherung ein, oder verbinden Sie dieses Gerät mit `meshman device connect` neu. Andernfalls schaden sie nicht.",
  "doctor.device": "{name}: Dieses Gerät ist verbunden.",
  "doctor.device-until": "{name}: Dieses Gerät ist bis {time} verbunden.",
  "doctor.device-lapses": "{name}: Dieses Gerät ist nur noch bis {time} verbunden, und das ist bald.",
  "doctor.device-lapsed": "{name}: Dieses Gerät ist seit {time} abgelaufen.",
  "doctor.device-renew.mend": "Auf einem Verwaltungsgerät: {command}",
  "doctor.device-unlisted": "{name}: Dieses Gerät ist nicht oder nicht mehr im Profil.",
  "doctor.work": "{name}: unerledigt seit {time}: {kind}.",
  "doctor.waiting":
    "{name}: Dieses Gerät hat am {time} angefragt, mit {account} verbunden zu werden, und noch von keiner Antwort erfahren.",
  "doctor.recovery": "{name}: Anteile zur Wiederherstellung wurden am {time} erzeugt.",
  "doctor.no-recovery": "{name}: Diesem Gerät sind keine Anteile zur Wiederherstellung bekannt.",
  "doctor.invites": { one: "{name}: {count} Einladung ist offen.", other: "{name}: {count} Einladungen sind offen." },
  "doctor.invites-lapsed": {
    one: "{name}: {count} Einladung ist abgelaufen, bevor sie aufgebraucht war.",
    other: "{name}: {count} Einladungen sind abgelaufen, bevor sie aufgebraucht waren.",
  },
  "doctor.invites-lapsed.mend":
    "Wenn das Gerät noch kommen soll, erzeugen Sie mit `meshman device invite` eine neue Einladung.",

  "doctor.portal": {
    one: "Das Portal {url} antwortet ({wrapping}, {count} Erweiterung).",
    other: "Das Portal {url} antwortet ({wrapping}, {count} Erweiterungen).",
  },
  "doctor.portal-plain": "Das Portal {url} antwortet ({wrapping}, keine Erweiterungen).",
  "doctor.portal-file-missing": "Das Portal {url} hat auf diesem Rechner keine Datei.",
  "doctor.portal-file-missing.mend":
    "Holen Sie seine Datei zurück, oder geben Sie mit --portal an, wo das Konto jetzt ist.",
  "doctor.log": "Das Protokoll des Portals {url} setzt fort, was hier gesehen wurde.",
  "doctor.evidence": {
    one: "In {path} liegt {count} Datei mit dem, was ein Portal getan hat und nicht darf.",
    other: "In {path} liegen {count} Dateien mit dem, was Portale getan haben und nicht dürfen.",
  },
  "doctor.evidence.mend": "Prüfen Sie, was jede Datei beweist, die neueste mit: meshman audit evidence {file}",
  "doctor.clock": "Die Uhr stimmt mit der von {url} überein.",
  "doctor.clock-ahead": {
    one: "Die Uhr geht gegenüber der von {url} {count} Sekunde vor.",
    other: "Die Uhr geht gegenüber der von {url} {count} Sekunden vor.",
  },
  "doctor.clock-behind": {
    one: "Die Uhr geht gegenüber der von {url} {count} Sekunde nach.",
    other: "Die Uhr geht gegenüber der von {url} {count} Sekunden nach.",
  },
  "doctor.clock.mend":
    "Stellen Sie die Uhr dieses Rechners; Portale lehnen Anfragen ab, die um mehr als 300 Sekunden abweichen.",
  "doctor.domain": "{domain} führt zum Portal {portal}.",
  "doctor.domain-unknown": "Das DNS sagt nichts über {domain}: {code}.",
  "doctor.domain-unknown.mend": "Prüfen Sie die Netzverbindung. Was gemerkt ist, funktioniert auch ohne sie.",
  "doctor.domain-elsewhere": "Das DNS führt von {account} zu {found}; das Konto ist auf {portal}.",
  "doctor.domain-nowhere": "Das DNS führt von {account} nicht zu seinem Portal {portal}.",
  "doctor.domain.mend": "Andere brauchen --portal, außer wenn die Domain diesen Eintrag hat: {record}",
};
