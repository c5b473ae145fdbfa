import type { Wording } from "../catalogue.js";
import type { serve as english } from "../en/serve.js";

export const serve: Wording<typeof english> = {
  "serve.domain-invalid": "{domain} n'est pas un nom de domaine.",
  "serve.authority-invalid": "{authority} n'est pas un nom sous lequel un portail peut être joint.",
  "serve.authority-invalid.hint":
    "Écrivez un hôte, et son port si ce n'est pas 443 : mesh.example.com ou mesh.example.com:8443.",
  "serve.every-domain": "tous les domaines",
  "serve.token-invalid": "Le fichier {path} ne contient pas de jeton de 16 à 256 caractères ASCII visibles.",
  "serve.no-store": "La base de données {store} n'existe pas.",
  "serve.no-store.hint": "Écrivez sqlite:PATH ou postgres://USER@HOST/DATABASE.",
  "serve.store-password":
    "L'adresse de la base de données contient un mot de passe, et d'autres peuvent lire les lignes de commande.",
  "serve.store-password.hint":
    "Mettez l'adresse dans un fichier que vous seul pouvez lire, et indiquez-le avec --store-file.",
  "serve.log-key-needed":
    "Le journal du portail a besoin d'une clé, et il n'y a pas de place pour son fichier à côté d'un serveur de bases de données.",
  "serve.log-key-needed.hint": "Utilisez --log-key-file PATH. Le fichier est créé s'il n'existe pas.",

  "serve.what-config": "Le fichier de configuration {path}",
  "serve.config-invalid": "Le fichier de configuration {path} n'est pas du JSON utilisable. {fault}",
  "serve.form-listen": 'Un texte : "HOST:PORT".',
  "serve.form-metrics-listen": 'Un texte, "HOST:PORT", ou un numéro de port.',
  "serve.form-texts": 'Un texte, ou une liste de textes : ["...", "..."].',
  "serve.form-flag": "true ou false, sans guillemets.",
  "serve.form-rate":
    'Un objet dont les membres sont des requêtes par minute, un nombre à partir de 1, ou "none". Les sortes : {kinds}.',
  "serve.form-quota": "Un objet dont les membres sont des nombres à partir de 1. Les sortes : {kinds}.",
  "serve.form-text": 'Un texte : "...".',
  "serve.form-unknown": "Ce membre n'existe pas. Les membres : {members}.",
  "serve.pair-invalid": "L'option {option} n'admet pas la valeur {text}.",
  "serve.rate-invalid.hint":
    "Écrivez KIND=N, en requêtes par minute, ou KIND=none. Valeurs possibles de KIND : {kinds}.",
  "serve.quota-invalid.hint": "Écrivez KIND=N. Valeurs possibles de KIND : {kinds}.",
  "serve.choice-invalid": "L'option {option} n'admet pas la valeur {text}.",
  "serve.choice-invalid.hint": "Valeurs possibles : {choices}.",
  "serve.other-needed": "L'option {given} ne va pas sans {missing}.",
  "serve.workers-invalid": "Le nombre de processus va de 1 à {most}.",

  "serve.tls-invalid": "Le certificat et la clé pour TLS sont inutilisables.",
  "serve.tls-invalid.hint":
    "Les deux doivent être au format PEM, la clé sans phrase secrète, et la clé doit être celle du premier certificat.",
  "serve.proxy-invalid": "{text} n'est ni une adresse ni un réseau.",
  "serve.proxy-invalid.hint": "Écrivez une adresse comme 192.0.2.1, ou un réseau comme 192.0.2.0/24 ou 2001:db8::/32.",
  "serve.proxy-header": "{text} n'est pas le nom d'un en-tête qui énumère des adresses.",
  "serve.proxy-header.hint":
    "Utilisez X-Forwarded-For, ou un autre en-tête où le serveur mandataire ne met que l'adresse du client.",
  "serve.worker-ended": "Un processus s'est terminé avant de pouvoir servir.",
};
