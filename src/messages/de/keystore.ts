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
  "keystore.there-already": "Im Home-Ordner {path} gibt es schon einen Schlüsselspeicher.",
  "keystore.replaced": "Der Schlüsselspeicher wurde von einem anderen Prozess ersetzt oder entfernt.",
  "keystore.replaced.hint": "Führen Sie den Befehl noch einmal aus.",
  "keystore.closed": "Der Schlüsselspeicher ist geschlossen.",
  "keystore.key-misnamed": "Ein gespeicherter Schlüssel ist ein anderer, als sein Name sagt.",
  "keystore.key-damaged": "Der gespeicherte Schlüssel {kid} ist beschädigt.",
  "keystore.key-missing": "Der Schlüsselspeicher enthält den {use}-Schlüssel {kid} nicht.",
  "keystore.key-conflict":
    "Der Schlüssel {kid} ist schon für einen anderen Zweck oder ein anderes Profil gespeichert.",
  "keystore.not-opened": "Ein gespeichertes Chiffrat lässt sich mit diesem Schlüssel nicht öffnen.",
  "keystore.key-file-useless": "Die Schlüsseldatei {path} fehlt oder öffnet den Schlüsselspeicher nicht.",
  "keystore.key-file-useless.hint":
    "Holen Sie die Schlüsseldatei aus einer Sicherung zurück, oder stellen Sie das Profil mit `meshman escrow recover` aus Anteilen wieder her.",
  "keystore.passphrase-needed": "Der Schlüsselspeicher ist mit einer Passphrase geschützt.",
  "keystore.passphrase-needed.hint":
    "Geben Sie sie mit --passphrase-file PATH, --passphrase-fd N oder MESHMAN_PASSPHRASE_FILE an, oder arbeiten Sie an einem Terminal.",
  "keystore.passphrase-wrong": "Die Passphrase öffnet den Schlüsselspeicher nicht.",
  "keystore.passphrase-not-text": "Die Passphrase ist kein UTF-8-Text.",
  "keystore.passphrase-short": "Die Passphrase hat weniger als {minimum} Zeichen.",
  "keystore.passphrase-short.hint": "Wählen Sie eine längere, am besten mehrere zufällige Wörter.",
  "keystore.pins-damaged.hint":
    "Holen Sie pins.json aus einer Sicherung zurück, oder löschen Sie die Datei, um jedem Profil und jedem Portal beim nächsten Kontakt neu zu vertrauen.",
  "keystore.pins-tampered": "Die Datei {path} wurde von etwas anderem als meshman geändert.",
  "keystore.pins-tampered.hint":
    "Finden Sie heraus, was sie geändert hat. Holen Sie sie aus einer Sicherung zurück, oder löschen Sie sie, um jedem Profil und jedem Portal neu zu vertrauen.",
  "keystore.pins-malformed": "Die neuen Einträge für pins.json haben nicht die erwartete Form.",
  "keystore.preferences-damaged": "Die Datei {path} ist beschädigt.",
  "keystore.preferences-damaged.hint":
    "Löschen Sie sie, und wählen Sie das Standardprofil mit `meshman profile use` neu.",
  "keystore.state-damaged.hint":
    "Holen Sie die Datei aus einer Sicherung zurück, oder löschen Sie sie, und verbinden Sie das Gerät neu mit diesem Profil oder stellen Sie es wieder her.",
  "keystore.state-misnamed": "Die Datei {path} gehört zu einem anderen Profil.",
  "keystore.state-foreign": "Die Datei {path} ist keine Datei eines Profils.",
  "keystore.state-foreign.hint": "Verschieben Sie sie in einen anderen Ordner.",
  "keystore.new-state-misnamed": "Der neue Zustand gehört zu einem anderen Profil.",
  "keystore.fingerprint-not-canonical": "Der Fingerabdruck des Profils hat nicht die kanonische Form.",
};
