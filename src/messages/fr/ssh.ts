import type { Wording } from "../catalogue.js";
import type { ssh as english } from "../en/ssh.js";

export const ssh: Wording<typeof english> = {
  "problem.ssh-host": "ce n'est pas un nom d'hôte",
  "problem.ssh-user": "ce n'est pas un nom d'utilisateur",
  "problem.ssh-jump": "ce n'est pas une liste d'hôtes par lesquels passer",
  "problem.ssh-key": "ce n'est pas la clé publique attendue",

  "ssh.label-key": "Clé publique",
  "ssh.label-fingerprint": "Empreinte",
  "heading.fingerprint": "EMPREINTE",
  "heading.host": "HÔTE",
  "heading.address": "ADRESSE",
  "heading.keys": "CLÉS",
  "ssh.label-host": "Hôte",
  "ssh.label-address": "Adresse",
  "ssh.label-jump": "En passant par",
  "ssh.label-host-key": "Clé de l'hôte",
  "ssh.label-added": "Ajoutés",
  "ssh.label-updated": "Modifiés",
  "ssh.label-different": "Autre clé",
  "ssh.label-skipped": "Lignes laissées de côté",

  "ssh.state-current": "actuel",
  "ssh.state-gone": "n'est plus un appareil",
  "ssh.state-unsigned": "non signé par l'appareil",
  "ssh.state-conflict": "en conflit",
  "ssh.conflict-note": "Ce qui est en conflit s'affiche et se règle avec : meshman app resolve",
  "ssh.no-devices": "Aucun appareil n'a de clé SSH.",
  "ssh.no-hosts": "Aucun hôte n'est partagé.",
  "ssh.no-key": "Cet appareil n'a pas de clé SSH.",
  "ssh.no-key.hint": "Créez-en une : meshman ssh add",
  "ssh.rotate-question":
    "La clé SSH de cet appareil part avec ses autres clés. Les hôtes qui ne connaissent qu'elle ne le laissent plus entrer, jusqu'à ce que sa prochaine clé y soit portée depuis un autre appareil. Continuer ?",
  "ssh.options-of-host": "Ces options concernent un hôte, et aucun hôte n'est nommé.",
  "ssh.options-of-host.hint": "Nommez d'abord l'hôte : meshman ssh add HÔTE --user NOM",
  "ssh.option-unknown": "{text} n'est pas un réglage qui se partage.",
  "ssh.option-unknown.hint": "Écrivez NOM=VALEUR, où le nom est l'un de {options}.",
  "ssh.host-invalid": "{host} n'est pas un nom d'hôte.",
  "ssh.too-many-names": "C'est plus de noms ou de clés qu'un hôte ne peut en avoir.",
  "ssh.host-ambiguous": "Ces noms appartiennent à plusieurs hôtes partagés.",
  "ssh.host-ambiguous.hint": "Nommez l'un d'eux. `meshman ssh list` les affiche tous.",
  "ssh.host-unknown": "Aucun hôte partagé ne s'appelle {host}.",
  "ssh.host-unknown.hint": "`meshman ssh list` affiche les hôtes.",
  "ssh.host-removed": "L'hôte {host} n'est plus partagé.",
  "ssh.no-host-key": "Le fichier {path} n'a pas de clé de l'hôte {host}.",
  "ssh.no-host-key.hint": "Nommez un fichier known_hosts où l'hôte figure, ou un fichier avec sa clé publique.",
  "ssh.host-key-question": "La clé partagée de l'hôte {host} en est une autre. La remplacer ?",
  "ssh.different-note":
    "Les hôtes dont la clé n'est pas celle qui est partagée sont restés tels quels. Pour remplacer une clé : meshman ssh add HÔTE --host-key-file FICHIER",
  "ssh.path-unusable": "Le chemin {path} ne peut pas figurer dans un fichier de configuration de ssh.",

  "ssh.failed": "ssh n'y est pas parvenu chez {host} : {reason}",
  "ssh.failed.hint": "Essayez d'abord de vous connecter avec ssh seul. Les options pour ssh se placent derrière --.",
  "ssh.failed-silently": "il n'a pas donné de raison",
  "ssh.not-installed": "Le programme ssh n'est pas installé, ou n'est pas dans le PATH.",
  "ssh.not-installed.hint": "Installez OpenSSH, ou mettez-y vous-même les lignes de `meshman ssh authorized-keys`.",
  "ssh.interrupted": "Interrompu. Le fichier chez {host} est comme il était, ou comme il devait être.",
  "ssh.file-link": "Le fichier authorized_keys chez {host} est un lien symbolique, qui n'est pas remplacé.",
  "ssh.file-link.hint": "Mettez-y vous-même les lignes de `meshman ssh authorized-keys`.",
  "ssh.file-changed":
    "Quelqu'un d'autre a modifié le fichier authorized_keys chez {host} au même moment. Rien n'a été écrit.",
  "ssh.file-changed.hint": "Relancez la commande.",
  "ssh.file-strange":
    "Le fichier authorized_keys chez {host} est trop grand, ou n'est pas du texte. Rien n'a été écrit.",

  "ssh.agent-not-supported": "Il n'y a pas d'agent SSH de meshman sur ce système.",
  "ssh.agent-not-supported.hint": "Il lui faut des sockets dans le système de fichiers, comme en ont Linux et macOS.",
  "ssh.agent-unavailable": "L'agent SSH n'a pas pu être démarré.",
  "ssh.agent-unavailable.hint": "Regardez si l'on peut écrire dans le dossier de ce qui s'exécute (XDG_RUNTIME_DIR).",
  "ssh.agent-stop-alone": "--stop ne va avec aucune autre option, ni avec une commande.",
  "ssh.agent-one-way": "Une commande et --foreground ne vont pas ensemble.",
  "ssh.agent-stopped": "L'agent SSH a oublié la clé.",
  "ssh.agent-none": "Aucun agent SSH n'est actif.",
  "ssh.no-program": "La commande {command} ne peut pas être lancée.",

  "help.ssh.summary": "les clés SSH de vos appareils, et les hôtes qu'ils utilisent",
  "help.ssh.description":
    "Chaque appareil a sa propre clé SSH, qui y est créée et ne le quitte jamais : ce que les appareils partagent, ce sont les clés publiques, et les hôtes avec les leurs. La clé privée n'est que dans le magasin de clés, et `meshman ssh agent` signe avec elle pour ssh.",
  "help.ssh.app": "l'application, quand il y en a plusieurs de ce type",
  "help.ssh.offline":
    "ne demander à aucun portail : utiliser ce qui est connu ici, et laisser les changements en attente",
  "help.ssh.out": "écrire plutôt un fichier, que seules ces commandes peuvent remplacer",
  "help.ssh.host": "l'hôte, comme ssh le prend",
  "help.ssh.options": "options pour ssh, derrière --",
  "help.ssh.add.summary": "créer la clé de cet appareil, ou partager un hôte",
  "help.ssh.add.description":
    "Sans hôte : crée la clé SSH de cet appareil, s'il n'en a pas, et partage sa moitié publique. Avec un hôte : le partage avec tous les appareils, ou change ce qui en est partagé. Les clés de l'hôte viennent d'un fichier que vous avez déjà.",
  "help.ssh.add.host": "noms de l'hôte, dont le premier est l'usuel",
  "help.ssh.add.hostname": "son nom ou son adresse dans le réseau",
  "help.ssh.add.user": "l'utilisateur sous lequel se connecter",
  "help.ssh.add.port": "le port",
  "help.ssh.add.jump": "les hôtes par lesquels passer, séparés par des virgules (ProxyJump)",
  "help.ssh.add.host-key-file": "un fichier known_hosts où il figure, ou un fichier avec sa clé publique",
  "help.ssh.add.option":
    "AddressFamily, Compression, ConnectTimeout, RequestTTY ou ServerAliveInterval avec = et une valeur (répétable)",
  "help.ssh.remove.summary": "ne plus partager un hôte",
  "help.ssh.remove.host": "l'un de ses noms",
  "help.ssh.list.summary": "lister les clés des appareils, et les hôtes",
  "help.ssh.authorized-keys.summary": "afficher les lignes authorized_keys de tous les appareils actuels",
  "help.ssh.authorized-keys.description":
    "Une ligne pour chaque appareil du profil qui a une clé. Les appareils retirés, ou dont le temps est écoulé, n'en ont pas.",
  "help.ssh.known-hosts.summary": "afficher les clés des hôtes partagés, ou les prendre d'un fichier",
  "help.ssh.known-hosts.import":
    "partager les hôtes de ce fichier known_hosts ; une clé partagée n'est jamais remplacée, et les noms cachés sont laissés de côté",
  "help.ssh.config.summary": "afficher les réglages des hôtes partagés pour ~/.ssh/config",
  "help.ssh.config.description":
    "Le texte est pour un fichier que ~/.ssh/config nomme avec Include. Il fait demander ssh à l'agent de meshman pour chacun de ces hôtes. À relancer quand des hôtes ont changé.",
  "help.ssh.config.known-hosts": "un fichier de `meshman ssh known-hosts --out` où ssh doit regarder aussi",
  "help.ssh.export.summary": "afficher la clé publique de cet appareil",
  "help.ssh.export.description":
    "Les clés privées ne s'exportent pas : chacune reste dans le magasin de clés de son appareil.",
  "help.ssh.agent.summary": "laisser ssh utiliser la clé de cet appareil",
  "help.ssh.agent.description":
    "Démarre un processus qui garde la clé en mémoire et signe avec elle pour ssh, et affiche ce qu'il faut à un shell pour le trouver. Avec une commande derrière --, l'agent ne sert qu'à cette commande, et se termine avec elle. Il oublie la clé à son heure, avec `meshman keystore lock`, et quand le magasin n'a plus la clé.",
  "help.ssh.agent.command": "une commande à lancer avec un agent à elle",
  "help.ssh.agent.for": "combien de temps, comme 15m ou 8h, et au plus 24h (par défaut : 8h)",
  "help.ssh.agent.foreground": "rester au premier plan jusqu'à l'interruption",
  "help.ssh.agent.stop": "faire oublier la clé à l'agent actif",
  "help.ssh.install.summary": "laisser tous les appareils actuels se connecter à un hôte",
  "help.ssh.install.description":
    "Ajoute leurs lignes au fichier authorized_keys de l'hôte, par ssh tel qu'il fonctionne aujourd'hui. Les autres lignes restent telles quelles.",
  "help.ssh.refresh.summary": "mettre à jour les clés des appareils chez un hôte",
  "help.ssh.refresh.description":
    "Retire les lignes des appareils qui ne sont plus du profil, ajoute celles des nouveaux, et ne retire jamais celle de cet appareil. Les autres lignes restent telles quelles.",
};
