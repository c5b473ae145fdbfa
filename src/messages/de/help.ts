import type { Wording } from "../catalogue.js";
import type { help as english } from "../en/help.js";

export const help: Wording<typeof english> = {
  "usage.not-whole": "Der Wert von {option}, {text}, ist keine ganze Zahl im zulässigen Bereich.",
  "usage.empty-value": "Der Wert von {option} ist leer.",
  "usage.timeout": "Die Zeitgrenze muss mindestens eine Sekunde betragen.",
  "usage.required-mark": "(erforderlich)",
  "usage.option-required": "Die Option {option} ist erforderlich.",
  "usage.for-example": "Zum Beispiel: {command}",
  "usage.examples": "Beispiele:",
  "usage.options-for-all": "Optionen für alle Befehle: meshman --help",
  "usage.title-usage": "Aufruf:",
  "usage.title-arguments": "Argumente:",
  "usage.title-options": "Optionen:",
  "usage.title-commands": "Befehle:",
  "usage.no-command": "Diesen Befehl gibt es nicht.",
  "usage.see-help": "Siehe `{command}`.",
  "usage.one-place": "Von {first} und {second} kann nur eine angegeben werden.",
  "usage.command-needed": "Es fehlt ein Befehl.",
  "usage.verb-needed": "Bei `meshman {noun}` fehlt ein Verb.",
  "usage.one-of": "Möglich sind: {verbs}.",
  "usage.did-you-mean": "Meinten Sie {nearest}?",
  "usage.unknown-option": 'Die Option "{word}" ist unbekannt.',
  "usage.unknown-command": 'Der Befehl "{word}" ist unbekannt.',
  "usage.missing-argument": 'Das Argument "{word}" fehlt.',
  "usage.missing-value": 'Die Option "{word}" braucht einen Wert.',
  "usage.too-many-words": "In der Zeile stehen mehr Wörter, als der Befehl annimmt.",
  "usage.wrong": "Die Befehlszeile ist falsch: {text}",
  "help.description":
    "Verwaltet ein Profil des Mathematical Mesh: eine Identität mit einem eigenen Schlüssel für jedes Gerät, die den Verlust aller Geräte übersteht.",
  "help.version": "Version ausgeben",
  "help.help-option": "Hilfe anzeigen",
  "help.help-command": "Hilfe zu einem Befehl anzeigen",
  "help.option.no-passphrase":
    "Schlüssel des Schlüsselspeichers in einer Datei daneben aufbewahren, nicht unter einer Passphrase; mit --keystore-key-file schützt ihn jener Schlüssel",
  "help.option.share-file": "Datei mit einem Anteil zur Wiederherstellung; einmal je Anteil",
  "help.option.entry-file": "Datei mit dem Hinterlegungseintrag, die neben die Anteile geschrieben wurde",
  "help.option.expect-fingerprint": "abbrechen, wenn es nicht dieses Profil ist",
  "help.option.device-name": "Name dieses Geräts, der öffentlich wird (Standard: der Rechnername)",
  "help.device.connect.summary": "anfragen, dieses Gerät mit einem Profil zu verbinden",
  "help.device.connect.description":
    "Erzeugt die Schlüssel dieses Geräts, fragt an, ob es verbunden werden darf, und zeigt einen Prüfcode. Auf dem Verwaltungsgerät wird dieser Code eingegeben, um die Anfrage anzunehmen. Ein weiterer Aufruf macht mit denselben Schlüsseln und demselben Code weiter. Mit --wait ist der Exit-Status 0, wenn die Anfrage angenommen ist, 5, wenn sie abgelehnt ist, und 8, solange sie aussteht.",
  "help.device.connect.address": "Konto, mit dem verbunden wird, zum Beispiel alice@example.com",
  "help.device.connect.pin-file":
    "Datei mit der PIN einer Einladung, an der das Profil erkannt und mit der das Gerät aufgenommen wird; - für die Standardeingabe",
  "help.device.connect.pin-fd": "Dateideskriptor, von dem diese PIN gelesen wird",
  "help.device.connect.trust-on-first-use": "das Profil, welches das Portal zeigt, ungesehen übernehmen",
  "help.device.connect.wait": "auf die Antwort warten (Standard: 300)",
  "help.device.pending.summary": "Geräte auflisten, die verbunden werden wollen",
  "help.device.pending.description":
    "Zeigt jedes wartende Gerät mit seinem Prüfcode, wann es angefragt hat, wann seine Anfrage abläuft und ob es die PIN einer Einladung zeigt.",
  "help.device.invite.summary": "Geräte aufnehmen, die eine PIN bekommen",
  "help.device.invite.description":
    "Erzeugt eine PIN und zeigt den Befehl für das neue Gerät. Wer die PIN kennt, kann ein Gerät verbinden, bis die Einladung aufgebraucht oder abgelaufen ist; `meshman device approve` nimmt es dann auf, ohne dass jemand Codes vergleicht. Die Einladung ist im Profil öffentlich, die PIN nicht.",
  "help.device.invite.uses": "wie viele Geräte damit aufgenommen werden können (Standard: 1)",
  "help.device.invite.expires": "wie lange sie gilt: 90s, 15m, 8h oder 2d (Standard: 15m)",
  "help.device.invite.name": "Name für das Gerät, der öffentlich wird",
  "help.device.invite.admin": "das Gerät zum Verwaltungsgerät machen; erfordert bei der Aufnahme den Hauptschlüssel",
  "help.device.invite.device-expires": "wie lange das Gerät dann zum Profil gehört (Standard: unbefristet)",
  "help.device.invite.out": "die PIN in diese neue Datei schreiben, statt sie zu zeigen",
  "help.device.approve.summary": "die Geräte aufnehmen, welche die PIN einer Einladung zeigen",
  "help.device.approve.description":
    "Nimmt jedes wartende Gerät auf, das nachweist, dass es die PIN einer Einladung kennt, oder das an die Stelle eines Geräts tritt, das kein Verwaltungsgerät ist und dies signiert hat. Alle anderen werden nicht angerührt und mit dem Grund genannt. Ein unterbrochener Aufruf wird durch einen weiteren zu Ende gebracht.",
  "help.device.approve.watch": "weiter nachsehen, bis ^C oder bis zum Ende von --for",
  "help.device.approve.for": "wie lange nachgesehen wird: 90s, 15m, 8h oder 2d",
  "help.device.complete.summary": "einem Gerät antworten, das verbunden werden will",
  "help.device.complete.description":
    "Nimmt das Gerät mit diesem Prüfcode in das Profil auf. Vergleichen Sie den Code mit dem auf der eigenen Anzeige des Geräts. Ein unterbrochener Aufruf wird durch einen weiteren zu Ende gebracht.",
  "help.device.complete.code": "Prüfcode, den das neue Gerät zeigt; am Terminal wird er erfragt",
  "help.device.complete.refuse": "das Gerät ablehnen",
  "help.device.complete.admin": "es zum Verwaltungsgerät machen; erfordert den Hauptschlüssel",
  "help.device.complete.name": "Name für das Gerät, der öffentlich wird",
  "help.profile.summary": "Profile anlegen, anzeigen und beenden",
  "help.profile.description":
    "Ein Profil ist die Identität einer Person: ein Hauptschlüssel, die Geräte, die dazugehören, und welche davon es verwalten.",
  "help.profile.create.summary": "ein neues Profil auf diesem Gerät anlegen",
  "help.profile.create.description":
    "Erzeugt die Hauptschlüssel und die Schlüssel dieses Geräts und legt sie in den Schlüsselspeicher. Veröffentlicht wird nichts. Dieses Gerät wird das erste Verwaltungsgerät.",
  "help.profile.create.name": "Name des Profils auf diesem Gerät (Standard: default)",
  "help.profile.show.summary": "das Profil zeigen, wie dieses Gerät es kennt",
  "help.profile.show.description":
    "Braucht weder Passphrase noch Netz. Gibt den Befehl aus, der ein weiteres Gerät verbindet.",
  "help.profile.list.summary": "die Profile auf diesem Gerät auflisten",
  "help.profile.use.summary": "das Standardprofil wählen",
  "help.profile.use.name": "Name oder UDF eines Profils",
  "help.profile.verify.summary": "das Profil prüfen, das die Portale zeigen",
  "help.profile.verify.description":
    "Holt das Profil von jedem Konto, prüft jede Signatur bis hinunter zum Hauptschlüssel und vergleicht es mit der neuesten schon gesehenen Version. Der Exit-Status ist 7, wenn etwas nicht stimmt.",
  "help.profile.export.summary": "öffentliche Datensätze des Profils ausgeben oder seine privaten Schlüssel sichern",
  "help.profile.export.description":
    "Ohne --private wird ausgegeben, was öffentlich ist. Mit --private wird alles, was dieses Gerät von dem Profil aufbewahrt, auch die privaten Schlüssel, unter einer eigenen Passphrase in eine Datei geschrieben. `meshman profile import` bringt daraus genau dieses Gerät zurück; um ein Gerät hinzuzufügen, verwenden Sie `meshman device connect`.",
  "help.profile.export.format":
    "json: die signierten Datensätze; pem: die Zertifikate, das des Hauptschlüssels zuerst (Standard: json)",
  "help.profile.export.private": "eine Sicherung schreiben, mit den privaten Schlüsseln",
  "help.profile.export.out": "Datei, in welche die Sicherung geschrieben wird; es darf sie noch nicht geben",
  "help.profile.import.summary": "ein Gerät eines Profils aus einer Sicherung wiederherstellen",
  "help.profile.import.description":
    "Liest eine Sicherung, die `meshman profile export --private` geschrieben hat, zeigt, was sie enthält, fragt nach und richtet das Gerät daraus auf diesem Rechner ein. Was dieser Rechner besser weiß, bleibt: Die neueste gesehene Version des Profils wird nie zurückgesetzt. Ein unterbrochener Aufruf wird durch einen weiteren zu Ende gebracht.",
  "help.profile.import.file": "Sicherung, die eingespielt wird",
  "help.profile.import.replace": "das Gerät ersetzen, das dieser Rechner jetzt ist, wenn er das Profil schon hat",
  "help.profile.import.name": "Name des Profils auf diesem Gerät (Standard: wie in der Sicherung)",
  "help.option.backup-passphrase-file": "Datei mit der Passphrase der Sicherung",
  "help.option.backup-passphrase-fd": "Dateideskriptor, von dem die Passphrase der Sicherung gelesen wird",
  "help.profile.revocation.summary": "eine Erklärung schreiben, die das Profil später beenden kann",
  "help.profile.revocation.description":
    "Signiert eine Widerrufserklärung mit dem Hauptschlüssel und schreibt sie in eine Datei. Wer die Erklärung hat, kann das Profil mit `meshman profile revoke` endgültig beenden; bewahren Sie sie deshalb ohne Netzzugang auf.",
  "help.profile.revocation.out": "Datei, in welche die Erklärung geschrieben wird",
  "help.profile.revoke.summary": "eine Widerrufserklärung veröffentlichen: ein Profil endgültig beenden",
  "help.profile.revoke.description":
    "Danach ist nichts von dem Profil mehr gültig, und es gibt keinen Weg zurück. Fragt vorher nach; --yes beantwortet die Frage.",
  "help.profile.revoke.file": "Widerrufserklärung, erzeugt mit `meshman profile revocation`",
  "help.profile.delete.summary": "die Schlüssel eines Profils von diesem Gerät entfernen",
  "help.profile.delete.description":
    "Entfernt, was dieses Gerät von dem Profil aufbewahrt. Konten und andere Geräte des Profils bleiben, wie sie sind.",
  "help.profile.delete.name": "Profil, das gelöscht wird (Standard: das Standardprofil)",
  "help.profile.delete.confirm": "Name des Profils, noch einmal eingegeben",
  "help.account.summary": "Konten auf Portalen anlegen und pflegen",
  "help.account.description":
    "In einem Konto, zum Beispiel alice@example.com, bewahrt ein Portal die signierten Datensätze eines Profils auf.",
  "help.account.validate.summary": "ein Portal fragen, ob ein Name zu haben ist",
  "help.account.validate.description":
    "Braucht kein Profil. Der Exit-Status ist 0, wenn der Name gültig und frei ist, und 5, wenn nicht.",
  "help.account.validate.address": "Kontoadresse, nach der gefragt wird",
  "help.account.create.summary": "ein Konto anlegen und das Profil dort veröffentlichen",
  "help.account.create.description":
    "Ein Konto für dasselbe Profil noch einmal anzulegen ändert nichts und holt nach, was unterbrochen wurde.",
  "help.account.create.address": "Adresse des neuen Kontos",
  "help.account.list.summary": "die Konten auflisten, die dieses Gerät kennt",
  "help.account.status.summary": "das Portal nach dem Stand eines Kontos fragen",
  "help.account.status.address": "Konto (Standard: das erste des Profils)",
  "help.account.delete.summary": "ein Konto endgültig löschen",
  "help.account.delete.description":
    "Der Name kann nicht wieder verwendet werden. Das Profil bleibt, mit seinen Geräten und anderen Konten.",
  "help.account.delete.address": "Konto, das gelöscht wird",
  "help.account.delete.confirm": "die Adresse, noch einmal eingegeben",
  "help.device.summary": "Geräte verbinden, auflisten und entfernen",
  "help.device.description": "Jedes Gerät hat eigene Schlüssel, die es nie verlassen.",
  "help.device.status.summary": "zeigen, ob dieses Gerät verbunden ist",
  "help.device.status.description":
    "Der Exit-Status ist 0, wenn das Gerät angenommen ist, 8, solange die Anfrage aussteht, 5, wenn sie abgelehnt oder abgelaufen ist oder das Gerät entfernt wurde, und 3, wenn dieses Gerät nie angefragt hat.",
  "help.device.list.summary": "die Geräte des Profils auflisten",
  "help.device.show.summary": "ein Gerät und seine öffentlichen Schlüssel zeigen",
  "help.device.show.device": "Name oder UDF eines Geräts (Standard: dieses)",
  "help.device.remove.summary": "ein Gerät aus dem Profil entfernen",
  "help.device.remove.description":
    "Jede Anwendung, die das Gerät lesen konnte, wird ohne es neu verschlüsselt; `meshman app exposure` zeigt, was es gesehen haben kann. Mit dem Entfernen eines Verwaltungsgeräts beginnt eine neue Epoche des Profils. Das erfordert den Hauptschlüssel: auf diesem Gerät oder aus Anteilen zur Wiederherstellung.",
  "help.device.remove.device": "Name oder UDF eines Geräts",
  "help.escrow.summary": "die Hauptschlüssel in Anteile aufteilen und daraus wiederherstellen",
  "help.escrow.description":
    "Die Hauptschlüssel werden auf dem Portal hinterlegt, unter einem Schlüssel, der in Anteile aufgeteilt wird. Genügend Anteile bringen das Profil zurück; weniger verraten nichts.",
  "help.escrow.split.summary": "die Hauptschlüssel hinterlegen und den Hinterlegungsschlüssel aufteilen",
  "help.escrow.split.description":
    "Weist nach, dass die Anteile funktionieren, bevor sie gezeigt werden. Alte Anteile funktionieren weiter, solange es eine Kopie ihres Hinterlegungseintrags gibt.",
  "help.escrow.split.shares": "wie viele Anteile erzeugt werden",
  "help.escrow.split.threshold": "wie viele davon das Profil zurückbringen",
  "help.escrow.split.out": "Ordner für die Anteile und den Hinterlegungseintrag; sonst werden sie ausgegeben",
  "help.escrow.split.erase-master": "danach die Hauptschlüssel von diesem Gerät löschen",
  "help.escrow.verify.summary": "prüfen, ob Anteile die Hauptschlüssel zurückbringen",
  "help.escrow.verify.description":
    "Die Anteile kommen aus --share-file, von der Standardeingabe (ein Anteil je Zeile) oder werden erfragt. Ändert nichts.",
  "help.escrow.recover.summary": "ein Profil aus seinen Anteilen wiederherstellen",
  "help.escrow.recover.description":
    "Veröffentlicht eine neue Epoche mit diesem Gerät als einzigem Verwaltungsgerät; frühere Verwaltungsgeräte bestimmen nichts mehr. Auch die Anwendungen des Profils kommen zurück; der Exit-Status ist 7, wenn eine davon der Prüfung nicht standhält. Andere Geräte bleiben verbunden und werden aufgelistet. Wenn dieses Gerät das Profil schon hat, kommen nur dessen Hauptschlüssel zurück.",
  "help.escrow.recover.name": "Name des Profils auf diesem Gerät (Standard: default)",
  "help.escrow.recover.new-epoch":
    "dieses Gerät zum einzigen Verwaltungsgerät machen, auch wenn es das Profil schon hat",
  "help.escrow.recover.drop-devices": "alle anderen Geräte zugleich entfernen",
  "help.portal.summary": "ein Portal betreiben oder eines begrüßen",
  "help.portal.description":
    "Ein Portal bewahrt die signierten und verschlüsselten Datensätze von Konten auf. Vertrauen muss man ihm in nichts.",
  "help.portal.serve.summary": "Konten über HTTP bereitstellen",
  "help.portal.serve.description":
    "Legt die Datenbank und den Schlüssel seines Protokolls an, wenn es sie nicht gibt, und gibt aus, wo es lauscht und was dieser Schlüssel ist, sobald es bereit ist. Mit einem Zertifikat spricht es https; sonst gehört ein Proxy davor, der das tut. SIGTERM beendet es, nachdem die laufenden Anfragen beantwortet sind, und bei SIGHUP liest es sein Zertifikat neu.",
  "help.portal.serve.listen": "Adresse, an der es lauscht (Standard: 127.0.0.1:8080)",
  "help.portal.serve.domain": "Domain, deren Konten es bedient; mehrfach möglich (Standard: jede Domain)",
  "help.portal.serve.authority": "weiterer Name, unter dem Clients es erreichen; mehrfach möglich",
  "help.portal.serve.transfer-token-file":
    "Datei mit dem Token, mit dem andere Portale das ganze Protokoll abrufen dürfen",
  "help.portal.serve.store":
    "wo Datensätze aufbewahrt werden: sqlite:PATH oder postgres://USER@HOST/DATABASE (Standard: im Home-Ordner)",
  "help.portal.serve.store-file": "Datei mit der Adresse der Datenbank, wenn ein Passwort darin steht",
  "help.portal.serve.log-key-file":
    "Datei mit dem Schlüssel, der das Protokoll des Portals signiert (Standard: neben der SQLite-Datei)",
  "help.portal.serve.log-origin": "Name des Protokolls, wenn sein Schlüssel erzeugt wird (Standard: ein zufälliger)",
  "help.portal.serve.public-log": "das Protokoll der öffentlichen Datensätze jedem geben, der danach fragt",
  "help.portal.serve.tls-cert":
    "Datei mit dem Zertifikat für https und denen, die zu seiner Zertifizierungsstelle führen, im PEM-Format",
  "help.portal.serve.tls-key": "Datei mit dem privaten Schlüssel des Zertifikats, im PEM-Format",
  "help.portal.serve.rate": "Anfragen einer Art pro Minute, als KIND=N oder KIND=none; mehrfach möglich",
  "help.portal.serve.quota":
    "wie viel Platz die Datensätze eines Profils haben, als bytes=N, records=N oder accounts=N; mehrfach möglich",
  "help.portal.serve.client-address-header":
    "Header, in dem ein vertrauenswürdiger Proxy sagt, für wen er fragt, zum Beispiel X-Forwarded-For",
  "help.portal.serve.trusted-proxy": "Adresse oder Netz eines Proxys, dessen Header zählt; mehrfach möglich",
  "help.portal.serve.metrics-listen":
    "Adresse für /metrics, /healthz und /readyz; ein Port allein ist einer von 127.0.0.1 (Standard: keine Messwerte)",
  "help.portal.serve.log-format":
    "wie es auf der Standardfehlerausgabe sagt, was es tut: json, text oder none (Standard: text, und nur was schiefgeht)",
  "help.portal.serve.log-level": "das Mindeste, was es sagt: error, warn, info oder debug",
  "help.portal.serve.log-addresses": "auch die Adressen der Clients nennen",
  "help.portal.serve.log-accounts": "auch die Konten nennen",
  "help.portal.serve.workers": "Prozesse, die sich die Arbeit teilen (Standard: 1)",
  "help.portal.serve.config": "JSON-Datei, deren Elemente wie diese Optionen heißen; die Optionen haben Vorrang",
  "help.portal.fsck.summary": "die ganze Datenbank eines Portals mit ihrem Protokoll vergleichen",
  "help.portal.fsck.description":
    "Liest alle Datensätze, Konten und Ergebnisse, alle Blätter und Kacheln, und prüft, dass jedes davon ist, was das signierte Protokoll sagt, und dass die Datenbank selbst unversehrt ist. Geht, während das Portal läuft, und ändert nichts. Der Exit-Status ist 7, wenn etwas nicht stimmt, und 1 (`state-corrupt`), wenn die Datei zu beschädigt ist, um geprüft zu werden.",
  "help.portal.stats.summary": "zählen, was in der Datenbank eines Portals ist",
  "help.portal.stats.description": "Nennt Zahlen und keine Namen. Geht, während das Portal läuft.",
  "help.portal.suspend.summary": "ein Konto dieses Portals sperren oder wieder öffnen",
  "help.portal.suspend.description":
    "Das Profil eines gesperrten Kontos wird weiter gezeigt. Jede Änderung des Kontos wird abgelehnt, und verloren geht davon nichts. Das Protokoll des Portals sagt es. Geht, während das Portal läuft. Der Exit-Status ist 3, wenn es das Konto nicht gibt, und 5, wenn es gelöscht wurde.",
  "help.portal.suspend.address": "das Konto",
  "help.portal.suspend.reopen": "es wieder öffnen",
  "help.portal.keys.summary": "die Schlüssel des Protokolls eines Portals zeigen oder ihm einen neuen geben",
  "help.portal.keys.description":
    "Nur mit der Schlüsseldatei lässt sich das Protokoll signieren: Bewahren Sie anderswo eine Kopie auf, und machen Sie nach jedem --rotate eine neue. Geht auch, während das Portal läuft; seine Prozesse folgen, wenn sie dieselbe Datei lesen. Auch Clients folgen, denn der alte Schlüssel signiert den neuen. Der Exit-Status von --rotate ist 5, wenn die Datei den jetzigen Schlüssel nicht enthält.",
  "help.portal.keys.rotate": "einen neuen Schlüssel machen und in die Schlüsseldatei schreiben",
  "help.portal.migrate.summary": "die Datenbank eines Portals auf den Stand dieses meshman bringen",
  "help.portal.migrate.description":
    "Vorher wird eine ältere Datenbank nicht angenommen, und zurück geht es nicht: Halten Sie das Portal an, und kopieren Sie sie zuerst. Der Exit-Status ist 5, wenn ein neueres meshman sie geschrieben hat.",
  "help.portal.migrate.check": "nur sagen, ob sie es ist: Der Exit-Status ist 0 oder 5",
  "help.portal.backup.summary": "eine Sicherung der Datenbank eines Portals schreiben",
  "help.portal.backup.description":
    "Schreibt einen Augenblick der ganzen Datenbank in eine neue Datei, die nur Sie lesen können, während das Portal läuft. Sicherungen von SQLite und von PostgreSQL sind gleich. Der Schlüssel des Protokolls ist nicht darin.",
  "help.portal.backup.file": "neue Datei",
  "help.portal.restore.summary": "eine Sicherung in eine neue Datenbank zurückspielen",
  "help.portal.restore.description":
    "Die Datenbank darf von anderer Art sein als die gesicherte, und muss leer sein oder fehlen. Alles wird geprüft, bevor sie benutzt werden kann. Ein Protokoll darf nie hinter einen Kopf zurückgehen, den es signiert hat; sagen Sie daher, was gilt: --latest oder --new-log. Der Exit-Status ist 7 bei einer beschädigten Sicherung.",
  "help.portal.restore.file": "Datei, die `meshman portal backup` geschrieben hat",
  "help.portal.restore.latest": "nach dieser Sicherung wurde nichts signiert: mit ihrem Protokoll weitermachen",
  "help.portal.restore.new-log":
    "ein neues Protokoll mit neuem Schlüssel beginnen: für Clients ist es ein anderes Portal",
  "help.portal.hello.summary": "ein Portal fragen, was es kann",
  "help.portal.hello.url": "Portal, das begrüßt wird (Standard: das des ersten Kontos)",
  "help.keystore.summary": "die Schlüssel auf diesem Gerät pflegen",
  "help.keystore.description":
    "Der Schlüsselspeicher enthält die privaten Schlüssel dieses Geräts, jeden für sich verschlüsselt. Ihn öffnet eine Passphrase, der Schlüsselbund des Systems, eine Schlüsseldatei oder ein Schlüssel, der angegeben wird.",
  "help.keystore.status.summary": "zeigen, wie die Schlüssel aufbewahrt werden und welche es gibt",
  "help.keystore.status.description": "Braucht keine Passphrase.",
  "help.keystore.unlock.summary": "den Schlüsselspeicher für eine Weile offen halten",
  "help.keystore.unlock.description":
    "Startet einen Prozess, der den Schlüssel des Schlüsselspeichers im Arbeitsspeicher bereithält, sodass Befehle nicht nach der Passphrase fragen, bis die Zeit um ist oder `meshman keystore lock` ihn beendet. Ein weiterer Aufruf lässt die Zeit neu beginnen. Nicht nötig, wenn eine Schlüsseldatei neben dem Schlüsselspeicher liegt.",
  "help.keystore.unlock.for": "wie lange, zum Beispiel 90s, 15m oder 8h, höchstens 24h (Standard: 15m)",
  "help.keystore.lock.summary": "den Schlüsselspeicher wieder schließen",
  "help.keystore.lock.description":
    "Beendet den Prozess, den `meshman keystore unlock` gestartet hat, falls es einen gibt.",
  "help.keystore.passwd.summary": "die Passphrase ändern",
  "help.keystore.passwd.description":
    "Die alte Passphrase kommt aus den üblichen Optionen oder wird erfragt. Neben dem Schlüsselbund des Systems ändert sich nur die Passphrase; jeder andere Schutz wird durch die Passphrase ersetzt.",
  "help.keystore.passwd.new-passphrase-file": "Datei mit der neuen Passphrase",
  "help.keystore.passwd.new-passphrase-fd": "Dateideskriptor, von dem die neue Passphrase gelesen wird",
  "help.keystore.passwd.no-passphrase": "Schlüssel des Schlüsselspeichers von nun an in einer Datei aufbewahren",
  "help.keystore.check.summary": "prüfen, ob alles verwendbar ist, was hier aufbewahrt wird",
  "help.keystore.check.description":
    "Öffnet den Schlüsselspeicher und jeden Schlüssel darin und prüft, ob jeder der Schlüssel ist, den sein Name nennt, ob niemand die Vermerke zu Profilen und Portalen geändert hat und ob die hier gespeicherten Profile unversehrt sind. Ändert nichts. Der Exit-Status ist 7, wenn etwas nicht stimmt.",
  "help.keystore.protect.summary": "wählen, was den Schlüsselspeicher öffnet",
  "help.keystore.protect.description":
    "Gibt dem Schlüsselspeicher einen anderen Schutz; die Schlüssel darin bleiben, wie sie sind. passphrase: wird erfragt oder mit einer Option angegeben. keyring: liegt im Schlüsselbund des Systems, mit einer Passphrase für den Fall, dass dieser nicht antwortet. key-file: eine Datei neben dem Schlüsselspeicher oder die unter PATH, zum Beispiel auf einem USB-Stick. key: 32 Bytes, die bei jedem Gebrauch angegeben werden, für automatische Abläufe. Wird der Befehl unterbrochen, gleich wann, öffnet sich der Schlüsselspeicher auf die alte oder auf die neue Weise.",
  "help.keystore.protect.method": "passphrase, keyring, key-file oder key",
  "help.keystore.protect.path": "wo die Schlüsseldatei angelegt wird (Standard: neben dem Schlüsselspeicher)",
  "help.keystore.protect.new-key-file": "Datei mit dem neuen Schlüssel",
  "help.keystore.protect.new-key-fd": "Dateideskriptor, von dem der neue Schlüssel gelesen wird",
  "help.setup.summary": "alles einrichten, Schritt für Schritt",
  "help.setup.description":
    "Fragt nach einem Namen, einer Passphrase und einer Adresse oder einem Portal auf diesem Rechner und bietet Anteile und eine Widerrufserklärung an.",
  "help.status.summary": "zeigen, wie es auf diesem Gerät steht",
  "help.status.description": "Braucht weder Passphrase noch Netz.",
  "help.doctor.summary": "suchen, was nicht stimmt, und sagen, was dagegen hilft",
  "help.doctor.description":
    "Sieht sich den Home-Ordner, den Schlüsselspeicher, jedes Profil, die Uhr und die Portale an. Entsperrt nichts und ändert nichts. Portale haben 5 Sekunden Zeit zu antworten, wenn --timeout nichts anderes sagt. Der Exit-Status ist 1, wenn es ein Problem gibt.",
  "help.doctor.offline": "weder Portale noch Namensdienst befragen",
  "help.verify.summary": "signierte Datensätze prüfen",
  "help.verify.description":
    "Prüft jede Signatur, auch verschachtelte. Schlüssel gelten über alle Dateien hinweg. Der Exit-Status ist 7, wenn eine Signatur ungültig ist.",
  "help.verify.file":
    "Dateien mit Datensätzen: einzelne, Listen, Exporte, alte .jlog-Dateien; - für die Standardeingabe",
  "help.udf.summary": "den Fingerabdruck (UDF) einer Datei ausgeben",
  "help.udf.file": "Datei, deren Fingerabdruck gesucht ist, oder - für die Standardeingabe",
  "help.udf.content-type": "Medientyp der Daten (Standard: application/octet-stream)",
  "help.udf.bits": "Länge, von 100 bis 500 in Schritten von 20 (Standard: 140)",
  "help.quickstart.summary": "die ganze Geschichte auf diesem Rechner ansehen",
  "help.quickstart.description":
    "Startet ein Portal an einem Loopback-Port und zeigt Profil, Konto, zweites Gerät, Hinterlegung und Wiederherstellung in Wegwerfordnern. Nichts von Ihren eigenen Daten wird angerührt.",
  "help.quickstart.keep": "die Dateien liegen lassen und sagen, wo sie sind",
  "help.connect.summary": "dasselbe wie `device connect`",
  "help.pending.summary": "dasselbe wie `device pending`",
  "help.complete.summary": "dasselbe wie `device complete`",
  "help.option.json": "genau ein JSON-Dokument ausgeben, was auch geschieht",
  "help.option.home": "Ordner für Schlüssel und Zustand (MESHMAN_HOME)",
  "help.option.profile": "verwendetes Profil, nach Name oder UDF (MESHMAN_PROFILE)",
  "help.option.account": "verwendetes Konto, wenn ein Profil mehrere hat",
  "help.option.portal": "Portal: https://..., http://..., local oder file:PATH (MESHMAN_PORTAL)",
  "help.option.allow-http": "http:// auch für Portale auf anderen Rechnern zulassen",
  "help.option.accept-gap": "fortfahren, wenn ein Portal die Versionen dazwischen nicht zeigen kann",
  "help.option.ca": "Zertifikate, denen bei https vertraut wird, als PEM",
  "help.option.passphrase-file": "Datei mit der Passphrase (MESHMAN_PASSPHRASE_FILE)",
  "help.option.passphrase-fd": "Dateideskriptor, von dem die Passphrase gelesen wird",
  "help.option.keystore-key-file":
    "Datei mit dem Schlüssel eines Schlüsselspeichers, der damit geschützt ist oder werden soll (MESHMAN_KEYSTORE_KEY_FILE)",
  "help.option.keystore-key-fd": "Dateideskriptor, von dem der Schlüssel des Schlüsselspeichers gelesen wird",
  "help.option.no-input": "nie fragen, sondern mit Exit-Status 2 abbrechen",
  "help.option.yes": "einfache Rückfragen mit Ja beantworten",
  "help.option.quiet": "auf der Standardfehlerausgabe nur Fehler melden",
  "help.option.verbose": "auf der Standardfehlerausgabe mehr melden",
  "help.option.timeout": "Zeitgrenze für eine Anfrage (Standard: 30)",
  "help.option.language": "Sprache der Meldungen: en, fr oder de (Standard: aus der Umgebung)",
  "help.option.no-color": "ohne Farben (NO_COLOR)",
};
