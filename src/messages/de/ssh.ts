import type { Wording } from "../catalogue.js";
import type { ssh as english } from "../en/ssh.js";

export const ssh: Wording<typeof english> = {
  "problem.ssh-host": "das ist kein Hostname",
  "problem.ssh-user": "das ist kein Benutzername",
  "problem.ssh-jump": "das ist keine Liste von Hosts, über die es gehen soll",
  "problem.ssh-key": "das ist nicht der öffentliche Schlüssel, der es sein soll",

  "ssh.label-key": "Öffentlicher Schlüssel",
  "ssh.label-fingerprint": "Fingerabdruck",
  "heading.fingerprint": "FINGERABDRUCK",
  "heading.host": "HOST",
  "heading.address": "ADRESSE",
  "heading.keys": "SCHLÜSSEL",
  "ssh.label-host": "Host",
  "ssh.label-address": "Adresse",
  "ssh.label-jump": "Über",
  "ssh.label-host-key": "Schlüssel des Hosts",
  "ssh.label-added": "Hinzugefügt",
  "ssh.label-updated": "Geändert",
  "ssh.label-different": "Anderer Schlüssel",
  "ssh.label-skipped": "Ausgelassene Zeilen",

  "ssh.state-current": "aktuell",
  "ssh.state-gone": "kein Gerät mehr",
  "ssh.state-unsigned": "nicht vom Gerät signiert",
  "ssh.state-conflict": "in Konflikt",
  "ssh.conflict-note": "Was in Konflikt steht, zeigt und klärt: meshman app resolve",
  "ssh.no-devices": "Kein Gerät hat einen SSH-Schlüssel.",
  "ssh.no-hosts": "Es werden keine Hosts geteilt.",
  "ssh.no-key": "Dieses Gerät hat keinen SSH-Schlüssel.",
  "ssh.no-key.hint": "Erzeugen Sie einen: meshman ssh add",
  "ssh.rotate-question":
    "Der SSH-Schlüssel dieses Geräts geht mit seinen anderen Schlüsseln. Hosts, die nur ihn kennen, lassen es nicht mehr ein, bis sein nächster Schlüssel von einem anderen Gerät dorthin gebracht ist. Weitermachen?",
  "ssh.options-of-host": "Diese Optionen gehören zu einem Host, und es ist keiner genannt.",
  "ssh.options-of-host.hint": "Nennen Sie zuerst den Host: meshman ssh add HOST --user NAME",
  "ssh.option-unknown": "{text} ist keine Einstellung, die geteilt wird.",
  "ssh.option-unknown.hint": "Schreiben Sie NAME=WERT; der Name ist einer von {options}.",
  "ssh.host-invalid": "{host} ist kein Hostname.",
  "ssh.too-many-names": "Das sind mehr Namen oder Schlüssel, als ein Host haben kann.",
  "ssh.host-ambiguous": "Diese Namen gehören zu mehr als einem geteilten Host.",
  "ssh.host-ambiguous.hint": "Nennen Sie einen davon. `meshman ssh list` zeigt sie alle.",
  "ssh.host-unknown": "Kein geteilter Host heißt {host}.",
  "ssh.host-unknown.hint": "`meshman ssh list` zeigt die Hosts.",
  "ssh.host-removed": "Der Host {host} wird nicht mehr geteilt.",
  "ssh.no-host-key": "Die Datei {path} hat keinen Schlüssel des Hosts {host}.",
  "ssh.no-host-key.hint":
    "Nennen Sie eine known_hosts-Datei, in der der Host steht, oder eine Datei mit seinem öffentlichen Schlüssel.",
  "ssh.host-key-question": "Der geteilte Schlüssel des Hosts {host} ist ein anderer. Soll er ersetzt werden?",
  "ssh.different-note":
    "Hosts mit einem anderen als dem geteilten Schlüssel sind geblieben, wie sie waren. Um einen Schlüssel zu ersetzen: meshman ssh add HOST --host-key-file DATEI",
  "ssh.path-unusable": "Der Pfad {path} kann nicht in einer Konfigurationsdatei von ssh stehen.",

  "ssh.failed": "ssh konnte es bei {host} nicht tun: {reason}",
  "ssh.failed.hint": "Versuchen Sie zuerst, sich mit ssh allein anzumelden. Optionen für ssh stehen hinter --.",
  "ssh.failed-silently": "es nannte keinen Grund",
  "ssh.not-installed": "Das Programm ssh ist nicht installiert oder steht nicht im PATH.",
  "ssh.not-installed.hint":
    "Installieren Sie OpenSSH, oder tragen Sie die Zeilen von `meshman ssh authorized-keys` dort selbst ein.",
  "ssh.interrupted": "Unterbrochen. Die Datei bei {host} ist, wie sie war, oder wie sie werden sollte.",
  "ssh.file-link": "Die Datei authorized_keys bei {host} ist ein symbolischer Link und wird nicht ersetzt.",
  "ssh.file-link.hint": "Tragen Sie die Zeilen von `meshman ssh authorized-keys` dort selbst ein.",
  "ssh.file-changed":
    "Jemand anderes hat die Datei authorized_keys bei {host} im selben Augenblick geändert. Es wurde nichts geschrieben.",
  "ssh.file-changed.hint": "Rufen Sie den Befehl noch einmal auf.",
  "ssh.file-strange": "Die Datei authorized_keys bei {host} ist zu groß oder kein Text. Es wurde nichts geschrieben.",

  "ssh.agent-not-supported": "Auf diesem System gibt es keinen SSH-Agenten von meshman.",
  "ssh.agent-not-supported.hint": "Er braucht Sockets im Dateisystem, wie Linux und macOS sie haben.",
  "ssh.agent-unavailable": "Der SSH-Agent konnte nicht gestartet werden.",
  "ssh.agent-unavailable.hint":
    "Sehen Sie nach, ob sich in den Ordner für Laufendes (XDG_RUNTIME_DIR) schreiben lässt.",
  "ssh.agent-stop-alone": "--stop steht ohne andere Optionen und ohne Befehl.",
  "ssh.agent-one-way": "Ein Befehl und --foreground gehen nicht zusammen.",
  "ssh.agent-stopped": "Der SSH-Agent hat den Schlüssel vergessen.",
  "ssh.agent-none": "Es läuft kein SSH-Agent.",
  "ssh.no-program": "Der Befehl {command} kann nicht gestartet werden.",

  "help.ssh.summary": "SSH-Schlüssel Ihrer Geräte und die Hosts, die sie benutzen",
  "help.ssh.description":
    "Jedes Gerät hat seinen eigenen SSH-Schlüssel, der dort entsteht und es nie verlässt: Geteilt werden die öffentlichen Schlüssel und die Hosts mit den ihren. Der private Schlüssel ist allein im Schlüsselspeicher, und `meshman ssh agent` unterschreibt damit für ssh.",
  "help.ssh.app": "die Anwendung, wo es mehrere dieser Art gibt",
  "help.ssh.offline": "kein Portal fragen: nehmen, was hier bekannt ist, und Änderungen warten lassen",
  "help.ssh.out": "stattdessen eine Datei schreiben, die nur diese Befehle ersetzen dürfen",
  "help.ssh.host": "der Host, wie ssh ihn nimmt",
  "help.ssh.options": "Optionen für ssh, hinter --",
  "help.ssh.add.summary": "den Schlüssel dieses Geräts erzeugen oder einen Host teilen",
  "help.ssh.add.description":
    "Ohne Host: erzeugt den SSH-Schlüssel dieses Geräts, falls es keinen hat, und teilt dessen öffentliche Hälfte. Mit Host: teilt ihn mit allen Geräten oder ändert, was von ihm geteilt wird. Die Schlüssel des Hosts kommen aus einer Datei, die Sie schon haben.",
  "help.ssh.add.host": "Namen des Hosts, der erste ist der übliche",
  "help.ssh.add.hostname": "sein Name oder seine Adresse im Netz",
  "help.ssh.add.user": "der Benutzer, als der man sich anmeldet",
  "help.ssh.add.port": "der Port",
  "help.ssh.add.jump": "Hosts, über die es geht, mit Kommas dazwischen (ProxyJump)",
  "help.ssh.add.host-key-file":
    "eine known_hosts-Datei, in der er steht, oder eine Datei mit seinem öffentlichen Schlüssel",
  "help.ssh.add.option":
    "AddressFamily, Compression, ConnectTimeout, RequestTTY oder ServerAliveInterval mit = und einem Wert (wiederholbar)",
  "help.ssh.remove.summary": "einen Host nicht mehr teilen",
  "help.ssh.remove.host": "einer seiner Namen",
  "help.ssh.list.summary": "die Schlüssel der Geräte und die Hosts auflisten",
  "help.ssh.authorized-keys.summary": "die authorized_keys-Zeilen aller aktuellen Geräte ausgeben",
  "help.ssh.authorized-keys.description":
    "Eine Zeile für jedes Gerät des Profils, das einen Schlüssel hat. Geräte, die entfernt wurden oder deren Zeit um ist, haben keine.",
  "help.ssh.known-hosts.summary": "die Schlüssel der geteilten Hosts ausgeben oder aus einer Datei nehmen",
  "help.ssh.known-hosts.import":
    "die Hosts dieser known_hosts-Datei teilen; ein geteilter Schlüssel wird nie ersetzt, und verborgene Namen werden ausgelassen",
  "help.ssh.config.summary": "die Einstellungen der geteilten Hosts für ~/.ssh/config ausgeben",
  "help.ssh.config.description":
    "Der Text ist für eine Datei, die ~/.ssh/config mit Include nennt. Damit fragt ssh für jeden dieser Hosts den Agenten von meshman. Führen Sie es erneut aus, wenn sich Hosts geändert haben.",
  "help.ssh.config.known-hosts": "eine Datei von `meshman ssh known-hosts --out`, in der ssh auch nachsehen soll",
  "help.ssh.export.summary": "den öffentlichen Schlüssel dieses Geräts ausgeben",
  "help.ssh.export.description":
    "Private Schlüssel werden nicht ausgegeben: Jeder bleibt im Schlüsselspeicher seines Geräts.",
  "help.ssh.agent.summary": "ssh den Schlüssel dieses Geräts benutzen lassen",
  "help.ssh.agent.description":
    "Startet einen Prozess, der den Schlüssel im Speicher hält und damit für ssh unterschreibt, und gibt aus, was eine Shell braucht, um ihn zu finden. Mit einem Befehl hinter -- dient der Agent allein diesem Befehl und endet mit ihm. Er vergisst den Schlüssel zu seiner Zeit, mit `meshman keystore lock`, und wenn der Schlüsselspeicher den Schlüssel nicht mehr hat.",
  "help.ssh.agent.command": "ein Befehl, der mit einem eigenen Agenten läuft",
  "help.ssh.agent.for": "wie lange, etwa 15m oder 8h, und höchstens 24h (sonst: 8h)",
  "help.ssh.agent.foreground": "im Vordergrund bleiben, bis man ihn unterbricht",
  "help.ssh.agent.stop": "den laufenden Agenten den Schlüssel vergessen lassen",
  "help.ssh.install.summary": "alle aktuellen Geräte sich bei einem Host anmelden lassen",
  "help.ssh.install.description":
    "Fügt ihre Zeilen der Datei authorized_keys dort hinzu, über ssh, wie es heute geht. Andere Zeilen bleiben, wie sie sind.",
  "help.ssh.refresh.summary": "die Schlüssel der Geräte bei einem Host auf den neuesten Stand bringen",
  "help.ssh.refresh.description":
    "Entfernt die Zeilen von Geräten, die nicht mehr zum Profil gehören, fügt die von neuen hinzu, und entfernt nie die dieses Geräts. Andere Zeilen bleiben, wie sie sind.",
};
