/** What whoever runs a portal reads: its options, its config file, its certificate, its processes. */
export const serve = {
  "serve.domain-invalid": "{domain} is not a domain name.",
  "serve.authority-invalid": "{authority} is not a name under which a portal can be reached.",
  "serve.authority-invalid.hint":
    "Write a host, and its port where that is not 443: mesh.example.com or mesh.example.com:8443.",
  "serve.every-domain": "every domain",
  "serve.token-invalid": "The file {path} does not hold a token of 16 to 256 visible ASCII characters.",
  "serve.no-store": "There is no store {store}.",
  "serve.no-store.hint": "Write sqlite:PATH or postgres://USER@HOST/DATABASE.",
  "serve.store-password": "The address of the store has a password in it, and command lines can be read by others.",
  "serve.store-password.hint": "Put the address into a file that only you can read, and name it with --store-file.",
  "serve.log-key-needed": "The portal's log needs a key, and beside a database there is no place for its file.",
  "serve.log-key-needed.hint": "Use --log-key-file PATH. The file is made where there is none.",

  // The subject of a schema message: the file of --config.
  "serve.what-config": "The config file {path}",
  "serve.config-invalid": "The config file {path} is not JSON that can be used. {fault}",
  "serve.form-listen": 'A text: "HOST:PORT".',
  "serve.form-metrics-listen": 'A text, "HOST:PORT", or the number of a port.',
  "serve.form-texts": 'A text, or a list of texts: ["...", "..."].',
  "serve.form-flag": "true or false, without quotation marks.",
  "serve.form-rate": 'An object whose members are requests a minute, a number from 1, or "none". The kinds: {kinds}.',
  "serve.form-quota": "An object whose members are numbers from 1. The kinds: {kinds}.",
  "serve.form-text": 'A text: "...".',
  "serve.form-unknown": "There is no such member. The members: {members}.",
  "serve.pair-invalid": "The option {option} does not understand {text}.",
  "serve.rate-invalid.hint": "Write KIND=N, requests a minute, or KIND=none. The kinds: {kinds}.",
  "serve.quota-invalid.hint": "Write KIND=N. The kinds: {kinds}.",
  "serve.choice-invalid": "The option {option} does not understand {text}.",
  "serve.choice-invalid.hint": "One of: {choices}.",
  "serve.other-needed": "The option {given} needs {missing} beside it.",
  "serve.workers-invalid": "The number of workers is from 1 to {most}.",

  "serve.tls-invalid": "The certificate and the key for TLS cannot be used.",
  "serve.tls-invalid.hint":
    "Both must be in PEM form, the key without a passphrase, and the key must be that of the first certificate.",
  "serve.proxy-invalid": "{text} is neither an address nor a network.",
  "serve.proxy-invalid.hint": "Write an address such as 192.0.2.1, or a network such as 192.0.2.0/24 or 2001:db8::/32.",
  "serve.proxy-header": "{text} is not the name of a header that lists addresses.",
  "serve.proxy-header.hint":
    "Use X-Forwarded-For, or another header in which the proxy puts the client's address alone.",
  "serve.worker-ended": "A worker process ended before it could serve.",
} as const;
