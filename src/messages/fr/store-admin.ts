import type { Wording } from "../catalogue.js";
import type { storeAdmin as english } from "../en/store-admin.js";

export const storeAdmin: Wording<typeof english> = {
  "portal.store-missing": "Il n'y a pas de base de données de portail {place}.",
  "portal.store-missing.hint": "Vérifiez que c'est bien la bonne. `meshman portal serve` en crée une nouvelle.",
  "portal.store-unfinished":
    "Une sauvegarde devait être restaurée dans la base de données {place} du portail, et cela n'a pas été terminé.",
  "portal.store-unfinished.hint": "Exécutez de nouveau `meshman portal restore`.",
  "store.no-key-file": "Le fichier de clé {file} n'existe pas.",
  "store.no-key-file.hint": "Indiquez le fichier qui contient la clé du journal du portail : --log-key-file.",

  "fsck.progress": { one: "{count} élément vérifié jusqu'ici.", other: "{count} éléments vérifiés jusqu'ici." },
  "fsck.clean": "Tout est comme le dit le journal : {leaves} feuilles, {records} enregistrements, {accounts} comptes.",
  "fsck.more": { one: "et {count} autre", other: "et {count} autres" },
  "fsck.bad": {
    one: "La base de données et son journal ne sont pas d'accord à {count} endroit. N'allez pas plus loin avec ce portail avant de savoir pourquoi.",
    other:
      "La base de données et son journal ne sont pas d'accord à {count} endroits. N'allez pas plus loin avec ce portail avant de savoir pourquoi.",
  },

  "stats.accounts": "{open} ouverts, {suspended} suspendus, {closed} supprimés",

  "suspend.unknown": "Le portail n'a pas de compte {account}.",
  "suspend.closed": "Le compte {account} a été supprimé, et le reste.",
  "suspend.suspended-done": "Le compte {account} est suspendu.",
  "suspend.suspended-already": "Le compte {account} était déjà suspendu.",
  "suspend.open-done": "Le compte {account} est de nouveau ouvert.",
  "suspend.open-already": "Le compte {account} était déjà ouvert.",

  "keys.lost": "Le fichier {file} ne contient pas la clé actuelle. Sans elle, plus rien ne peut être écrit.",
  "keys.copy": "La nouvelle clé est dans le fichier {file} : faites une copie de ce fichier ailleurs.",

  "migrate.current": "La base de données {store} est de la version {version}, celle de ce meshman.",
  "migrate.begins":
    "La base de données {store} est en cours de mise à niveau. Personne d'autre ne peut y écrire d'ici là. Arrêtez les programmes plus anciens qui l'utilisent.",
  "migrate.done": "La base de données {store} est passée de la version {from} à la version {to}.",
  "migrate.advice":
    "Les programmes plus anciens ne peuvent plus l'utiliser. La clé de son journal est dans le fichier {file} : gardez-en une copie ailleurs.",

  "store-backup.progress": { one: "{count} ligne jusqu'ici.", other: "{count} lignes jusqu'ici." },
  "store-backup.no-key":
    "La sauvegarde ne contient pas la clé du journal. Gardez aussi une copie du fichier de clé, et pas au même endroit.",
  "store-backup.none": "Ce n'est pas une sauvegarde de la base de données d'un portail.",
  "store-backup.newer": "La sauvegarde a été écrite par un meshman plus récent.",
  "store-backup.line-wrong": "La sauvegarde est endommagée à la ligne {number}.",
  "store-backup.unfinished": "La sauvegarde s'interrompt avant sa fin.",
  "store-backup.checksum": "La sauvegarde est endommagée : sa somme de contrôle est une autre.",
  "store-backup.head-wrong": "La tête dans la sauvegarde n'est pas signée avec la clé de son journal.",
  "store-backup.leaf-wrong": "Le journal dans la sauvegarde n'est pas celui dont la tête a été signée.",
  "store-backup.contradiction": "La sauvegarde se contredit.",

  "restore.choose": "Dites si le portail a montré des choses plus récentes que la sauvegarde : --latest ou --new-log.",
  "restore.choose.hint":
    "Utilisez --latest seulement si rien n'a été signé depuis. Sinon utilisez --new-log : les clients prennent un journal qui recule pour un mensonge.",
  "restore.reads": "La sauvegarde est lue jusqu'au bout.",
  "restore.loads": "La sauvegarde est mise dans la base de données.",
  "restore.checks": "La base de données est comparée à son journal.",
  "restore.latest":
    "Le journal continue là où la sauvegarde s'arrête. Remettez son fichier de clé à sa place avant de relancer le portail.",
  "restore.new-log":
    "Le portail a maintenant un nouveau journal, dont la clé est dans le fichier {file}. À l'ancienne adresse, chaque client s'arrête jusqu'à ce que son utilisateur accepte le nouveau journal avec `meshman audit accept` : donnez-en la clé aux utilisateurs par une autre voie que le portail. À une nouvelle adresse, ce n'est pas nécessaire.",
  "restore.origin-same": "Le nouveau journal ne peut pas s'appeler {origin} : c'est le nom de l'ancien.",
  "restore.origin-same.hint": "Donnez un autre nom avec --log-origin.",
  "restore.key-there": "Le nouveau journal a besoin d'une nouvelle clé, et il y a déjà un fichier de clé {file}.",
  "restore.key-there.hint": "Indiquez un autre fichier avec --log-key-file, ou déplacez celui-là.",
  "restore.not-empty": "La base de données {store} n'est pas vide.",
  "restore.not-empty.hint":
    "Restaurez dans une nouvelle base : un fichier qui n'existe pas encore, ou une base de données vide.",
  "restore.wrong": "Ce qui a été restauré n'est pas en accord avec son journal, et n'est pas mis en service.",
  "restore.wrong.hint":
    "Utilisez une autre sauvegarde. Avant une sauvegarde, `meshman portal fsck` dit si la base de données est saine.",
};
