import type { Wording } from "../catalogue.js";
import type { serve as english } from "../en/serve.js";

export const serve: Wording<typeof english> = {
  "serve.domain-invalid": "{domain} ist kein Domainname.",
  "serve.authority-invalid": "{authority} ist kein Name, unter dem ein Portal erreicht werden kann.",
  "serve.authority-invalid.hint":
    "Schreiben Sie einen Host, und seinen Port, wenn das nicht 443 ist: mesh.example.com oder mesh.example.com:8443.",
  "serve.every-domain": "jede Domain",
  "serve.token-invalid": "Die Datei {path} enthält kein Token aus 16 bis 256 sichtbaren ASCII-Zeichen.",
  "serve.no-store": "Eine solche Datenbank gibt es nicht: {store}.",
  "serve.no-store.hint": "Schreiben Sie sqlite:PATH oder postgres://USER@HOST/DATABASE.",
  "serve.store-password":
    "In der Adresse der Datenbank steht ein Passwort, und Befehlszeilen können auch andere lesen.",
  "serve.store-password.hint":
    "Schreiben Sie die Adresse in eine Datei, die nur Sie lesen können, und geben Sie diese mit --store-file an.",
  "serve.log-key-needed":
    "Das Protokoll des Portals braucht einen Schlüssel, und neben einem Datenbankserver ist kein Platz für seine Datei.",
  "serve.log-key-needed.hint": "Verwenden Sie --log-key-file PATH. Die Datei wird angelegt, wenn es sie nicht gibt.",

  "serve.what-config": "Die Konfigurationsdatei {path}",
  "serve.config-invalid": "Die Konfigurationsdatei {path} ist kein brauchbares JSON. {fault}",
  "serve.form-listen": 'Ein Text: "HOST:PORT".',
  "serve.form-metrics-listen": 'Ein Text, "HOST:PORT", oder die Nummer eines Ports.',
  "serve.form-texts": 'Ein Text oder eine Liste von Texten: ["...", "..."].',
  "serve.form-flag": "true oder false, ohne Anführungszeichen.",
  "serve.form-rate":
    'Ein Objekt, dessen Elemente Anfragen pro Minute sind, eine Zahl ab 1, oder "none". Die Arten: {kinds}.',
  "serve.form-quota": "Ein Objekt, dessen Elemente Zahlen ab 1 sind. Die Arten: {kinds}.",
  "serve.form-text": 'Ein Text: "...".',
  "serve.form-unknown": "Dieses Element gibt es nicht. Die Elemente: {members}.",
  "serve.pair-invalid": "Die Option {option} kann mit {text} nichts anfangen.",
  "serve.rate-invalid.hint": "Schreiben Sie KIND=N, in Anfragen pro Minute, oder KIND=none. Für KIND gibt es: {kinds}.",
  "serve.quota-invalid.hint": "Schreiben Sie KIND=N. Für KIND gibt es: {kinds}.",
  "serve.choice-invalid": "Die Option {option} kann mit {text} nichts anfangen.",
  "serve.choice-invalid.hint": "Möglich sind: {choices}.",
  "serve.other-needed": "Die Option {given} braucht {missing} neben sich.",
  "serve.workers-invalid": "Es gibt 1 bis {most} Arbeitsprozesse.",

  "serve.tls-invalid": "Das Zertifikat und der Schlüssel für TLS sind nicht brauchbar.",
  "serve.tls-invalid.hint":
    "Beide müssen im PEM-Format sein, der Schlüssel ohne Passphrase, und er muss zum ersten Zertifikat gehören.",
  "serve.proxy-invalid": "{text} ist weder eine Adresse noch ein Netz.",
  "serve.proxy-invalid.hint":
    "Schreiben Sie eine Adresse wie 192.0.2.1 oder ein Netz wie 192.0.2.0/24 oder 2001:db8::/32.",
  "serve.proxy-header": "{text} ist nicht der Name eines Headers, der Adressen aufzählt.",
  "serve.proxy-header.hint":
    "Verwenden Sie X-Forwarded-For oder einen anderen Header, in den der Proxy nur die Adresse des Clients schreibt.",
  "serve.worker-ended": "Ein Arbeitsprozess hat geendet, bevor er bereit war.",
};
