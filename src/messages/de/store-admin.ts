import type { Wording } from "../catalogue.js";
import type { storeAdmin as english } from "../en/store-admin.js";

export const storeAdmin: Wording<typeof english> = {
  "portal.store-missing": "Die Datenbank {place} eines Portals gibt es nicht.",
  "portal.store-missing.hint": "Prüfen Sie, ob es die ist, die Sie meinen. `meshman portal serve` legt eine neue an.",
  "portal.store-unfinished":
    "In die Datenbank {place} des Portals sollte eine Sicherung zurückgespielt werden, und das wurde nicht beendet.",
  "portal.store-unfinished.hint": "Führen Sie `meshman portal restore` noch einmal aus.",
  "store.no-key-file": "Die Schlüsseldatei {file} gibt es nicht.",
  "store.no-key-file.hint": "Geben Sie die Datei mit dem Schlüssel des Protokolls an: --log-key-file.",

  "fsck.progress": { one: "Bisher {count} Eintrag geprüft.", other: "Bisher {count} Einträge geprüft." },
  "fsck.clean": "Alles ist, wie das Protokoll es sagt: {leaves} Blätter, {records} Datensätze, {accounts} Konten.",
  "fsck.more": { one: "und noch {count}", other: "und noch {count}" },
  "fsck.bad": {
    one: "Die Datenbank und ihr Protokoll stimmen an {count} Stelle nicht überein. Lassen Sie das Portal nicht weiterlaufen, bevor Sie wissen, warum.",
    other:
      "Die Datenbank und ihr Protokoll stimmen an {count} Stellen nicht überein. Lassen Sie das Portal nicht weiterlaufen, bevor Sie wissen, warum.",
  },

  "stats.accounts": "{open} offen, {suspended} gesperrt, {closed} gelöscht",

  "suspend.unknown": "Das Portal hat kein Konto {account}.",
  "suspend.closed": "Das Konto {account} wurde gelöscht, und dabei bleibt es.",
  "suspend.suspended-done": "Das Konto {account} ist gesperrt.",
  "suspend.suspended-already": "Das Konto {account} war schon gesperrt.",
  "suspend.open-done": "Das Konto {account} ist wieder offen.",
  "suspend.open-already": "Das Konto {account} war schon offen.",

  "keys.lost": "Die Datei {file} enthält den jetzigen Schlüssel nicht. Ohne ihn lässt sich nichts mehr schreiben.",
  "keys.copy": "Der neue Schlüssel steht in der Datei {file}: Machen Sie anderswo eine Kopie dieser Datei.",

  "migrate.current": "Die Datenbank {store} hat die Version {version}, mit der dieses meshman arbeitet.",
  "migrate.begins":
    "Die Datenbank {store} wird auf den neuen Stand gebracht. Bis das getan ist, kann sonst niemand in sie schreiben. Beenden Sie ältere Programme, die sie benutzen.",
  "migrate.done": "Die Datenbank {store} wurde von Version {from} auf Version {to} gebracht.",
  "migrate.advice":
    "Ältere Programme können sie nicht mehr benutzen. Der Schlüssel ihres Protokolls steht in der Datei {file}: Heben Sie eine Kopie dieser Datei an einem anderen Ort auf.",

  "store-backup.progress": { one: "Bisher {count} Zeile.", other: "Bisher {count} Zeilen." },
  "store-backup.no-key":
    "Der Schlüssel des Protokolls ist nicht in der Sicherung. Heben Sie auch eine Kopie der Schlüsseldatei auf, und nicht am selben Ort.",
  "store-backup.none": "Das ist keine Sicherung der Datenbank eines Portals.",
  "store-backup.newer": "Die Sicherung wurde von einem neueren meshman geschrieben.",
  "store-backup.line-wrong": "Die Sicherung ist in Zeile {number} beschädigt.",
  "store-backup.unfinished": "Die Sicherung bricht vor ihrem Ende ab.",
  "store-backup.checksum": "Die Sicherung ist beschädigt: Ihre Prüfsumme ist eine andere.",
  "store-backup.head-wrong": "Der Kopf in der Sicherung ist nicht mit dem Schlüssel ihres Protokolls signiert.",
  "store-backup.leaf-wrong": "Das Protokoll in der Sicherung ist nicht das, dessen Kopf signiert wurde.",
  "store-backup.contradiction": "Die Sicherung widerspricht sich selbst.",

  "restore.choose": "Sagen Sie, ob das Portal schon Neueres gezeigt hat als die Sicherung: --latest oder --new-log.",
  "restore.choose.hint":
    "Verwenden Sie --latest nur, wenn danach nichts mehr signiert wurde, sonst --new-log: Ein Protokoll, das zurückgeht, halten die Clients für eine Lüge.",
  "restore.reads": "Die Sicherung wird durchgelesen.",
  "restore.loads": "Die Sicherung wird in die Datenbank geschrieben.",
  "restore.checks": "Die Datenbank wird mit ihrem Protokoll verglichen.",
  "restore.latest":
    "Das Protokoll geht da weiter, wo die Sicherung endet. Legen Sie seine Schlüsseldatei an ihren Platz, bevor das Portal wieder läuft.",
  "restore.new-log":
    "Das Portal hat jetzt ein neues Protokoll, und sein Schlüssel steht in der Datei {file}. An der alten Adresse hält jeder Client an, bis sein Benutzer das neue Protokoll mit `meshman audit accept` annimmt: Nennen Sie den Benutzern dessen Schlüssel auf anderem Weg als über das Portal. An einer neuen Adresse ist das nicht nötig.",
  "restore.origin-same": "Das neue Protokoll kann nicht {origin} heißen: So heißt das bisherige.",
  "restore.origin-same.hint": "Geben Sie mit --log-origin einen anderen Namen an.",
  "restore.key-there": "Das neue Protokoll braucht einen neuen Schlüssel, und die Schlüsseldatei {file} gibt es schon.",
  "restore.key-there.hint": "Geben Sie mit --log-key-file eine andere Datei an, oder verschieben Sie diese.",
  "restore.not-empty": "Die Datenbank {store} ist nicht leer.",
  "restore.not-empty.hint":
    "Spielen Sie die Sicherung in eine neue zurück: eine Datei, die es noch nicht gibt, oder eine leere Datenbank.",
  "restore.wrong": "Was zurückgespielt wurde, stimmt nicht mit seinem Protokoll überein, und läuft so nicht.",
  "restore.wrong.hint":
    "Nehmen Sie eine andere Sicherung. Ob die Datenbank in Ordnung ist, sagt `meshman portal fsck` vor der Sicherung.",
};
