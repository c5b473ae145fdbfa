import type { Wording } from "../catalogue.js";
import type { portal as english } from "../en/portal.js";

export const portal: Wording<typeof english> = {
  "portal.done": "L'opération a réussi.",
  "portal.with-hint": "{text} {hint}",

  "portal.failed": "Le portail a rencontré une erreur. Réessayez plus tard, ou prévenez le gestionnaire du portail.",
  "portal.damaged": "La base de données du portail est endommagée. Le gestionnaire du portail doit la restaurer.",
  "portal.busy": "Le portail est occupé. Réessayez dans un instant.",
  "portal.unwritable":
    "Le portail ne peut pas écrire dans sa base de données pour le moment. Réessayez plus tard, ou prévenez le gestionnaire du portail.",

  "portal.host-unknown":
    "Ce portail ne répond pas au nom indiqué dans l'en-tête Host. Utilisez l'adresse que son propriétaire vous a donnée.",
  "portal.path-unknown": "Il n'y a rien ici. Le portail Mesh se trouve à l'adresse {path}.",
  "portal.method-wrong": "Envoyez les requêtes Mesh avec POST.",
  "portal.request-large": "Une requête compte au plus {octets} octets.",
  "portal.record-large": "Un enregistrement compte au plus {octets} octets.",
  "portal.request-form": "Une requête est un objet JSON avec un seul membre, par exemple {example}.",
  "portal.transaction-unknown": "Ce portail ne connaît pas de transaction nommée {name}.",
  "portal.transaction-form": "Une transaction {transaction} contient un seul membre, nommé {member}.",
  "portal.message-form": "Le message {name} n'est pas un objet.",
  "portal.what-message": "Le message {name}",
  "portal.rate": "Trop de requêtes. Réessayez plus tard.",
  "portal.page-key": "Ce portail n'a pas donné ce PageKey pour une telle requête.",
  "portal.max-entries": "MaxEntries doit valoir au moins 1.",

  "portal.signature-needed": "Cette requête doit être signée avec la clé d'authentification d'un appareil (RFC 9421).",
  "portal.signature-wrong":
    "La requête n'est pas signée avec la clé d'authentification d'un appareil qui a le droit de la faire.",
  "portal.signature-foreign": "La requête n'est pas signée par un appareil du profil joint.",
  "portal.nonce-used": "Le nonce de cette requête a déjà servi avec un autre contenu. Signez avec un nouveau nonce.",

  "portal.account-unknown": "Ce compte n'existe pas sur ce portail.",
  "portal.account-deleted": "Le compte a été supprimé.",
  "portal.account-suspended": "Le compte est suspendu. Adressez-vous au gestionnaire du portail.",
  "portal.account-other-suspended": "Un autre compte du profil est suspendu. Adressez-vous au gestionnaire du portail.",
  "portal.account-delete-right":
    "Seul un appareil d'administration du profil auquel appartient le compte peut le supprimer.",
  "portal.account-domain": "Ce portail ne dessert pas le domaine de ce compte.",
  "portal.account-profile-type": "Un compte est créé pour un SignedPersonalProfile.",
  "portal.account-taken": "Le nom du compte est déjà pris.",
  "portal.account-gone": "Le compte a été supprimé, et son nom n'est pas attribué de nouveau.",
  "portal.account-reserved": "Le nom du compte est réservé à quelqu'un d'autre. Réessayez dans dix minutes.",
  "portal.account-quota": {
    one: "Un profil a au plus {count} compte sur ce portail, les comptes supprimés compris.",
    other: "Un profil a au plus {count} comptes sur ce portail, les comptes supprimés compris.",
  },

  "portal.reason.empty": "Le nom du compte est vide.",
  "portal.reason.long": "Le nom du compte a plus de 64 caractères.",
  "portal.reason.characters": "Le nom du compte contient des caractères qui ne sont pas autorisés.",
  "portal.reason.dots": "Le nom du compte commence ou finit par un point, ou contient deux points de suite.",
  "portal.reason.domain": "Ce qui suit le @ n'est pas un nom de domaine.",
  "portal.reason.foreign": "Ce portail ne dessert pas ce domaine.",
  "portal.reason.taken": "Le nom du compte est déjà pris.",
  "portal.reason.deleted": "Un compte de ce nom a été supprimé, et le nom n'est pas attribué de nouveau.",
  "portal.reason.reserved": "Le nom du compte est réservé à quelqu'un d'autre pour quelques minutes.",

  "portal.profile-revoked": "Le profil a été révoqué par son propriétaire.",
  "portal.profile-version":
    "Le profil est ici à la version {version}, et ce qui a été envoyé ne la suit pas directement. Récupérez la version actuelle et refaites la modification.",
  "portal.owner-accountless":
    "Le profil auquel appartient l'enregistrement n'a pas de compte sur ce portail. Créez-en un d'abord.",
  "portal.owner-unknown": "Le profil auquel appartient l'enregistrement n'est pas connu sur ce portail.",
  "portal.application-taken": "L'identifiant appartient à un autre profil d'application.",
  "portal.application-version":
    "Le profil d'application est ici à la version {version}, et ce qui a été envoyé ne la suit pas directement. Récupérez la version actuelle et refaites la modification.",
  "portal.identifier-taken": "Un enregistrement d'un autre type porte déjà cet identifiant.",
  "portal.device-lapsed":
    "Cet appareil a expiré : le temps qu'un administrateur lui avait accordé est écoulé. Renouvelez-le sur un appareil d'administration.",
  "portal.device-unlisted": "Aucun profil de ce portail ne contient cet appareil.",
  "portal.device-otherwise": "Le profil contient cet appareil avec un autre profil d'appareil.",
  "portal.device-unchanging": "Le profil d'un appareil ne change jamais.",
  "portal.escrow-right": "Seul un appareil d'administration d'un profil qui a un compte ici peut publier cette entrée.",
  "portal.escrow-taken": "Une entrée de séquestre ne change jamais, et il y en a déjà une autre avec cet identifiant.",
  "portal.revocation-form":
    "Un profil maître est publié dans un profil personnel. Seule une note de révocation est publiée séparément.",
  "portal.revocation-unknown": "Le profil que la note révoque n'est pas connu sur ce portail.",
  "portal.revocation-other": "Le profil a déjà été révoqué par une autre note.",
  "portal.quota-octets":
    "Les enregistrements du profil occupent déjà tous les {octets} octets que ce portail lui réserve.",
  "portal.quota-records": {
    one: "Le profil a déjà atteint la limite de {count} enregistrement sur ce portail.",
    other: "Le profil a déjà atteint la limite de {count} enregistrements sur ce portail.",
  },

  "portal.record-unknown": "Cet enregistrement n'existe pas sur ce portail.",
  "portal.key-values": "Les clés de KeyValues sont Name et Type.",
  "portal.get-what": "Indiquez ce que vous cherchez avec Account, Identifier ou KeyValues.",
  "portal.log-closed": "Ce portail ne donne son journal à personne.",
  "portal.log-right": "Le journal n'est donné qu'aux pairs autorisés.",
  "portal.log-after": "After doit être un identifiant de transaction, par exemple TID:7.",

  // Le journal.
  "portal.tree-damaged": "L'arbre de Merkle du portail n'est pas celui dont il a signé la tête.",
  "portal.log-path": "Il n'y a pas de telle partie du journal.",
  "portal.log-method": "Lisez le journal avec GET.",
  "portal.log-key-read": "Impossible de lire le fichier de clés du journal {file} : {code}.",
  "portal.log-key-write": "Impossible d'écrire le fichier de clés du journal {file} : {code}.",
  "portal.log-key-place.hint":
    "Vérifiez que son dossier existe, que celui qui fait tourner le portail peut utiliser les deux et qu'il reste de la place sur le disque.",
  "portal.log-key-damaged": "Le fichier {file} est endommagé, ou n'est pas le fichier de clés du journal d'un portail.",
  "portal.log-key-damaged.hint": "Restaurez-le depuis une sauvegarde.",
  "portal.log-key-lost": "Le fichier {file} ne contient pas la clé qui signe le journal actuellement.",
  "portal.log-origin-invalid": "{origin} ne peut pas être le nom d'un journal.",
  "portal.log-origin-invalid.hint": "Écrivez un nom sans espaces ni signes plus, par exemple portal.example.com/log.",
  "portal.log-origin-other":
    "Le journal dont les clés sont dans {file} s'appelle {origin}, et son nom ne change jamais.",

  "portal.connect-other-profile": "Le compte appartient à un autre profil que celui que l'appareil veut rejoindre.",
  "portal.pending-right":
    "Seul un appareil d'administration du profil auquel appartient le compte peut voir qui veut le rejoindre.",
  "portal.device-not-asking": "Aucun appareil avec cette empreinte n'a demandé à rejoindre le compte.",
  "portal.device-not-waiting":
    "Aucun appareil avec cette empreinte n'a demandé à rejoindre le compte, ou sa demande a expiré.",
  "portal.request-unknown": "Cet appareil n'a pas demandé à rejoindre le compte, ou sa demande a expiré.",
  "portal.result-other-profile": "Le résultat concerne un autre profil que celui du compte.",
  "portal.result-given": "La demande a déjà reçu une autre réponse.",
  "portal.result-other-device":
    "Le résultat ne concerne pas le profil d'appareil que montre la demande. Affichez de nouveau la liste des demandes.",
  "portal.result-early": "Le profil ne contient pas encore l'appareil. Publiez d'abord le profil avec l'appareil.",
  "portal.result-late": "Le profil contient déjà l'appareil. Retirez-le plutôt du profil.",

  "portal.listen-invalid": "{text} n'est pas une adresse d'écoute.",
  "portal.listen-invalid.hint": "Écrivez HOST:PORT, par exemple 127.0.0.1:8080 ou [::1]:8080.",
  "portal.listen-failed": "Il n'est pas possible d'écouter à l'adresse {address}.",
  "portal.listen-failed.hint":
    "Vérifiez que l'adresse est bien celle de cette machine et qu'aucun autre programme n'utilise le port.",
  "portal.domain-invalid": "{domain} n'est pas un nom de domaine.",
  "portal.folder-failed": "Le dossier de la base de données {file} du portail ne peut pas être créé.",
  "portal.folder-failed.hint":
    "Indiquez un autre emplacement, ou vérifiez que le dossier parent est accessible en écriture.",
  "portal.store-locked": "D'autres programmes verrouillent la base de données {file} du portail.",
  "portal.store-locked.hint": "Réessayez dans un instant.",
  "portal.store-read-only": "La base de données {file} du portail n'est pas accessible en écriture.",
  "portal.store-failed": "La base de données {file} du portail est inutilisable (erreur {code}).",
  "portal.store-failed.hint":
    "Vérifiez que le dossier existe, qu'il est accessible en écriture et qu'il reste de la place sur le disque.",
  "portal.store-moved":
    "La base de données {file} du portail a été déplacée, supprimée ou remplacée pendant son utilisation.",
  "portal.store-moved.hint":
    "Arrêtez le portail. Remettez le fichier à sa place avec ceux qui en dépendent, puis redémarrez-le.",
  "portal.store-damaged": "Le fichier {file} est endommagé, ou n'est pas la base de données d'un portail.",
  "portal.store-damaged.hint": "Restaurez-le depuis une sauvegarde, ou indiquez un autre fichier.",
  "portal.store-newer": "La base de données {file} du portail a été écrite par une version plus récente de meshman.",
  "portal.store-newer.hint": "Mettez à jour meshman sur cette machine.",
  "portal.store-older": "La base de données {file} du portail a été écrite par une version plus ancienne de meshman.",
  "portal.store-older.hint":
    "Arrêtez le portail et copiez la base de données telle quelle. Lancez ensuite `meshman portal migrate`.",
  "portal.log-key-bound": "Le fichier de clé {file} appartient à une autre base de données que celle-ci.",
  "portal.log-key-bound.hint":
    "Restaurez cette autre base à partir d'une sauvegarde. Pour une base nouvelle, déplacez d'abord le fichier de clé.",
  "portal.log-key-missing":
    "Le journal de la base de données {file} du portail est signé avec une autre clé que celle donnée.",
  "portal.log-key-missing.hint": "Indiquez le fichier de sa clé actuelle avec `--log-key-file`.",
  "portal.log-key-change": "Ce changement de clé du journal ne nomme pas la clé suivante.",
  "postgres.url-form":
    "L'adresse d'une base de données est `postgres://USER@HOST:PORT/DATABASE`, et ceci n'en est pas une.",
  "postgres.url-parameter": "L'adresse de la base de données a un paramètre inconnu ou répété : {parameter}.",
  "postgres.url-sslmode": "`sslmode` vaut `disable`, `no-verify` ou `verify-full`.",
  "postgres.url.hint": "Voyez `docs/operations.md`.",
  "postgres.file-unreadable": "Le fichier {file}, nommé dans l'adresse de la base de données, est illisible.",
  "postgres.damaged":
    "La base de données {database} est endommagée, ou son schéma `meshman` appartient à un autre programme.",
  "postgres.damaged.hint": "Restaurez-la depuis une sauvegarde, ou indiquez une autre base de données.",
  "postgres.encoding": "La base de données ne garde pas les textes en UTF-8.",
  "postgres.encoding.hint": "Créez-en une avec `createdb --encoding UTF8 --template template0`.",
  "postgres.failed.hint":
    "Vérifiez que le serveur fonctionne, admet cet utilisateur et a de la place. Un serveur sans TLS sur une autre machine exige `sslmode=disable`.",
  "fsck.storage": "La base de données elle-même signale : {text}",
  "fsck.key": "La clé {number} du journal n'en est pas une, ou la clé précédente ne la nomme pas.",
  "fsck.head":
    "La tête du journal n'est pas signée avec la clé actuelle, ou ne correspond pas à ce qui en est conservé.",
  "fsck.root": "Les {count} feuilles présentes ne donnent pas la tête signée.",
  "fsck.tile": "La tuile {index} du niveau {level} n'est pas celle que donnent les feuilles.",
  "fsck.tiles": "Il y a {count} tuiles, et les feuilles en donnent un autre nombre.",
  "fsck.leaf": "La feuille {index} manque ou est illisible.",
  "fsck.leaf-link": "La feuille {index} ne nomme pas la feuille précédente du même identifiant.",
  "fsck.leaf-order": "La feuille {index} a une séquence qui ne peut pas suivre celle de la feuille précédente.",
  "fsck.leaf-surplus": "Rien dans le journal ne correspond à la feuille {index} ni aux suivantes.",
  "fsck.item": "L'élément TID:{tid} du journal est illisible.",
  "fsck.item-leaf": "L'élément TID:{tid} du journal n'est pas ce que dit sa feuille.",
  "fsck.awaited": "Il manque à l'index ce que l'élément TID:{tid} du journal y a mis.",
  "fsck.record": "L'enregistrement de l'élément TID:{tid} n'est pas ce qu'en dit l'index.",
  "fsck.signature": "L'enregistrement de l'élément TID:{tid} n'est signé par personne qui le puisse.",
  "fsck.succession": "L'enregistrement de l'élément TID:{tid} ne suit pas la version précédente.",
  "fsck.newest": "L'index se trompe : l'enregistrement de l'élément TID:{tid} est-il la version la plus récente ?",
  "fsck.account": "L'index se trompe sur le compte de l'élément TID:{tid}.",
  "fsck.account-surplus": "Un compte de l'index renvoie à la feuille {leaf}, qui n'est pas sa dernière.",
  "fsck.result": "L'index se trompe sur le résultat ou la demande de l'élément TID:{tid}.",
  "fsck.pending": "L'index se trompe sur la demande de l'élément TID:{tid}.",
  "fsck.device": "L'index se trompe sur les appareils du profil de l'élément TID:{tid}.",
  "fsck.device-surplus": "L'index a des appareils d'un profil {profile} qui n'existe pas.",
  "fsck.name": "L'index se trompe sur les noms de l'enregistrement de l'élément TID:{tid}.",
  "fsck.usage": "La place que prennent les enregistrements du profil {profile} est mal comptée.",
  "portal.store-unshared": "La base de données {file} du portail ne peut pas être partagée à cet endroit.",
  "portal.store-unshared.hint": "Placez-la sur un disque local.",
  "portal.store-closed": "La base de données du portail est fermée.",
  "portal.stored-profile": "La vérification du profil enregistré {udf} échoue.",
  "portal.stored-account": "Un compte n'a pas de profil.",
  "portal.stored-record": "Un enregistrement stocké est endommagé.",
};
