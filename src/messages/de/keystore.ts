import type { Wording } from "../catalogue.js";
import type { keystore as english } from "../en/keystore.js";

export const keystore: Wording<typeof english> = {
  "keystore.what.file": "Die Datei {path}",
  "keystore.what.keystore": "Der Schlüsselspeicher",
  "keystore.what.stored-key": "Ein gespeicherter Schlüssel",
  "keystore.what.new-state": "Der neue Zustand des Profils",
  "keystore.cannot-read": "{path} kann nicht gelesen werden: {code}.",
  "keystore.cannot-write": "{path} kann nicht geschrieben werden: {code}.",
  "keystore.cannot-lock": "{path} kann nicht gesperrt werden: {code}.",
  "keystore.read-only.hint":
    "Verwenden Sie einen Home-Ordner, in den Sie schreiben dürfen: --home DIR oder MESHMAN_HOME.",
  "keystore.denied.hint":
    "Geben Sie sich das Recht, es zu lesen und die Ordner zu betreten, in denen es liegt, oder verwenden Sie einen anderen Home-Ordner: --home DIR oder MESHMAN_HOME.",
  "keystore.disk-full.hint": "Der Datenträger ist voll: Schaffen Sie Platz, und führen Sie den Befehl noch einmal aus.",
  "keystore.nothing-lost.hint": "Es ist nichts verloren gegangen; versuchen Sie es noch einmal.",
  "keystore.file-shared": "Andere Benutzer haben Zugriff auf die Datei {path}.",
  "keystore.folder-shared": "Andere Benutzer haben Zugriff auf den Ordner {path}.",
  "keystore.file-too-long": "Die Datei {path} ist länger als {limit} Bytes.",
  "keystore.file-would-grow": "Die Datei {path} würde länger als {limit} Bytes.",
  "keystore.file-not-json": "Die Datei {path} ist beschädigt: Sie ist kein gültiges JSON.",
  "keystore.file-newer": "Die Datei {path} hat die Version {version}; dieses Programm liest Version 1.",
  "keystore.file-newer.hint": "Verwenden Sie ein neueres meshman.",
  "keystore.not-a-folder": "{path} ist kein Ordner.",
  "keystore.no-home": "Es gibt keinen Ordner für die Schlüssel: Die Variable {variable} nennt keinen.",
  "keystore.no-home.hint": "Geben Sie einen mit --home DIR oder MESHMAN_HOME an.",
  "keystore.home-empty": "Der Pfad des Home-Ordners ist leer.",
  "keystore.home-busy": "Ein anderer Prozess benutzt gerade den Home-Ordner {path}.",
  "keystore.home-busy.hint": "Warten Sie, bis er fertig ist, und führen Sie den Befehl dann noch einmal aus.",
  "keystore.wait-interrupted": "Beim Warten auf einen anderen Prozess unterbrochen.",
  "keystore.lock-missing": "Eine Datei wurde ohne die Sperre geändert.",
  "keystore.damaged.hint":
    "Holen Sie keystore.json aus einer Sicherung zurück, oder stellen Sie das Profil mit `meshman escrow recover` in einem neuen Home-Ordner aus Anteilen wieder her.",
  "keystore.none": "In {path} gibt es noch kein Profil.",
  "keystore.none.hint": "Legen Sie mit `meshman profile create` eines an.",
  "keystore.missing": "In {path} gibt es Profile, aber keinen Schlüsselspeicher mit ihren Schlüsseln.",
  "keystore.there-already": "Im Home-Ordner {path} gibt es schon einen Schlüsselspeicher.",
  "keystore.replaced": "Der Schlüsselspeicher wurde von einem anderen Prozess ersetzt oder entfernt.",
  "keystore.replaced.hint": "Führen Sie den Befehl noch einmal aus.",
  "keystore.closed": "Der Schlüsselspeicher ist geschlossen.",
  "keystore.key-misnamed": "Ein gespeicherter Schlüssel ist ein anderer, als sein Name sagt.",
  "keystore.key-damaged": "Der gespeicherte Schlüssel {kid} ist beschädigt.",
  "keystore.key-missing": "Der Schlüsselspeicher enthält den {use}-Schlüssel {kid} nicht.",
  "keystore.key-conflict": "Der Schlüssel {kid} ist schon für einen anderen Zweck oder ein anderes Profil gespeichert.",
  "keystore.not-opened": "Ein gespeichertes Chiffrat lässt sich mit diesem Schlüssel nicht öffnen.",
  "keystore.key-file-useless": "Die Schlüsseldatei {path} fehlt oder öffnet den Schlüsselspeicher nicht.",
  "keystore.key-file-useless.hint":
    "Holen Sie die Schlüsseldatei aus einer Sicherung zurück, oder stellen Sie das Profil mit `meshman escrow recover` aus Anteilen wieder her.",
  "keystore.key-file-elsewhere.hint":
    "Schließen Sie den Datenträger an, auf dem sie liegt, holen Sie sie aus einer Sicherung zurück, oder stellen Sie das Profil mit `meshman escrow recover` aus Anteilen wieder her.",
  "keystore.key-file-place.hint": "Geben Sie eine Datei in einem Ordner an, in den Sie schreiben dürfen.",
  "keystore.key-file-taken": "Die Datei {path} gibt es schon, und sie ist keine Schlüsseldatei.",
  "keystore.key-file-taken.hint": "Geben Sie eine andere an, oder verschieben Sie die vorhandene.",
  "keystore.key-file-left": "Warnung: Der alte Schlüssel konnte nicht aus {path} entfernt werden. {reason}",
  "keystore.key-needed":
    "Der Schlüsselspeicher ist mit einem Schlüssel geschützt, der bei jedem Gebrauch angegeben wird.",
  "keystore.key-needed.hint":
    "Geben Sie ihn mit --keystore-key-file PATH, --keystore-key-fd N oder MESHMAN_KEYSTORE_KEY_FILE an.",
  "keystore.key-wrong": "Der Schlüssel öffnet den Schlüsselspeicher nicht.",
  "keystore.keyring.hint":
    "Verwenden Sie stattdessen die Passphrase: --passphrase-file PATH, --passphrase-fd N oder MESHMAN_PASSPHRASE_FILE, oder arbeiten Sie an einem Terminal.",
  "keystore.keyring-none": "Hier gibt es keinen Schlüsselbund des Systems: Es läuft kein Sitzungsbus.",
  "keystore.keyring-silent": "Der Schlüsselbund des Systems hat nicht innerhalb von {seconds} Sekunden geantwortet.",
  "keystore.keyring-broken": "Der Schlüsselbund des Systems kann nicht befragt werden.",
  "keystore.keyring-failed": "Im Schlüsselbund des Systems ist ein Fehler aufgetreten: {reason}",
  "keystore.keyring-forgets": "Der Schlüsselbund des Systems gibt nicht zurück, was ihm gegeben wurde.",
  "keystore.keyring-entry-gone": "Der Schlüsselbund des Systems hat keinen Eintrag für diesen Schlüsselspeicher.",
  "keystore.keyring-entry-wrong": "Der Eintrag im Schlüsselbund des Systems öffnet diesen Schlüsselspeicher nicht.",
  "keystore.keyring-entry-left":
    "Warnung: Der alte Eintrag konnte nicht aus dem Schlüsselbund des Systems entfernt werden. {reason}",
  "keystore.keyring-alone":
    "Neben dem Schlüsselbund des Systems braucht der Schlüsselspeicher eine Passphrase, und er hat keine.",
  "keystore.keyring-alone.hint": "Geben Sie eine mit --new-passphrase-file PATH oder --new-passphrase-fd N an.",
  "keystore.passphrase-needed": "Der Schlüsselspeicher ist mit einer Passphrase geschützt.",
  "keystore.passphrase-needed.hint":
    "Geben Sie sie mit --passphrase-file PATH, --passphrase-fd N oder MESHMAN_PASSPHRASE_FILE an, arbeiten Sie an einem Terminal, oder geben Sie sie mit `meshman keystore unlock` einmal für viele Befehle an.",
  "keystore.passphrase-wrong": "Die Passphrase öffnet den Schlüsselspeicher nicht.",
  "keystore.passphrase-not-text": "Die Passphrase ist kein UTF-8-Text.",
  "keystore.passphrase-short": "Die Passphrase hat weniger als {minimum} Zeichen.",
  "keystore.passphrase-short.hint": "Wählen Sie eine längere, am besten mehrere zufällige Wörter.",
  "keystore.agent-unavailable":
    "Der Prozess, der den Schlüssel des Schlüsselspeichers bereithalten soll, startet nicht.",
  "keystore.agent-unavailable.hint": "Die anderen Befehle arbeiten auch ohne ihn: Geben Sie ihnen die Passphrase.",
  "keystore.agent-interrupted": "Unterbrochen, bevor der Schlüsselspeicher entsperrt war.",
  "keystore.agent-path-long": "Der Pfad {path} ist zu lang für einen Socket.",
  "keystore.agent-path-long.hint": "Setzen Sie XDG_RUNTIME_DIR oder TMPDIR auf einen Ordner mit kürzerem Pfad.",
  "keystore.agent-foreign": "{path} gehört nicht Ihnen allein.",
  "keystore.agent-foreign.hint":
    "Entfernen Sie es, oder setzen Sie XDG_RUNTIME_DIR auf einen Ordner, der Ihnen gehört.",
  "keystore.agent-silent": "Der Agent, den {path} nennt, antwortet nicht, wie er soll.",
  "keystore.agent-unused": "Warnung: {problem} Der Agent wird nicht verwendet.",
  "keystore.pins-damaged.hint":
    "Holen Sie pins.json aus einer Sicherung zurück, oder löschen Sie die Datei, um jedem Profil und jedem Portal beim nächsten Kontakt neu zu vertrauen.",
  "keystore.pins-tampered": "Die Datei {path} wurde von etwas anderem als meshman geändert.",
  "keystore.pins-tampered.hint":
    "Finden Sie heraus, was sie geändert hat. Holen Sie sie aus einer Sicherung zurück, oder löschen Sie sie, um jedem Profil und jedem Portal neu zu vertrauen.",
  "keystore.pins-malformed": "Die neuen Einträge für pins.json haben nicht die erwartete Form.",
  // checkpoints.json: die neuesten Köpfe der Protokolle von Portalen.
  "keystore.checkpoints-damaged.hint":
    "Entfernen Sie checkpoints.json: Es gehen nur die neuesten Köpfe verloren, und was in pins.json steht, gilt weiter.",
  "keystore.checkpoint-unsigned":
    "{path} enthält einen Checkpoint, den der Schlüssel seines Portals nicht signiert hat.",
  "keystore.checkpoints-malformed": "Die neuen Checkpoints haben nicht die erwartete Form.",
  "keystore.preferences-damaged": "Die Datei {path} ist beschädigt.",
  "keystore.preferences-damaged.hint":
    "Löschen Sie sie, und wählen Sie das Standardprofil mit `meshman profile use` neu.",
  "keystore.state-damaged.hint":
    "Holen Sie die Datei aus einer Sicherung zurück, oder löschen Sie sie, und verbinden Sie das Gerät neu mit diesem Profil oder stellen Sie es wieder her.",
  "keystore.state-misnamed": "Die Datei {path} gehört zu einem anderen Profil.",
  "keystore.state-other": "Die Datei des Profils {udf} enthält einen Datensatz eines anderen Profils.",
  "keystore.state-foreign": "Die Datei {path} ist keine Datei eines Profils.",
  "keystore.state-foreign.hint": "Verschieben Sie sie in einen anderen Ordner.",
  "keystore.new-state-misnamed": "Der neue Zustand gehört zu einem anderen Profil.",
  "keystore.fingerprint-not-canonical": "Der Fingerabdruck des Profils hat nicht die kanonische Form.",
};
