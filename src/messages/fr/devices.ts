import type { Wording } from "../catalogue.js";
import type { devices as english } from "../en/devices.js";

export const devices: Wording<typeof english> = {
  "label.bundle": "Paquet",
  "label.bundle-key": "Clé du paquet",
  "label.expires": "Expiration",
  "label.never": "jamais",

  "device.lapsed": "Cet appareil a expiré le {time}.",
  "device.lapsed.hint": "Sur un appareil d'administration : meshman device renew {udf} --expires 90d",
  "device.lapsed-at": "expiré le {time}",
  "device.lapsed-left": "Ne font plus partie du profil, car leur temps est écoulé : {names}",
  "device.name-shared":
    "Un autre appareil porte aussi le nom {name}. Les commandes les distinguent par leurs UDF, que `meshman device list` affiche.",

  "bundle.what.content": "Le contenu du paquet",
  "bundle.none": "Le fichier {path} n'est pas le paquet d'un appareil, ou il est endommagé.",
  "bundle.is-backup": "Le fichier {path} est la sauvegarde d'un profil, et non le paquet d'un appareil.",
  "bundle.is-backup.hint": "`meshman profile import` la prend.",
  "bundle.not-opened": "Le paquet ne s'ouvre pas : la clé est celle d'un autre paquet, ou le fichier est endommagé.",
  "bundle.not-opened.hint":
    "Vérifiez que la clé va avec ce fichier et que le fichier est arrivé entier. S'il est endommagé, créez un autre appareil avec `meshman device preconfigure`.",
  "bundle.content-wrong": "Les éléments du paquet ne vont pas ensemble.",
  "bundle.too-large": "Le profil est trop volumineux pour un paquet.",
  "bundle.key-mistyped": "La clé du paquet est mal saisie.",
  "bundle.key-mistyped.hint": "Elle compte 61 lettres et chiffres de 2 à 7, et commence par B.",
  "bundle.key-format": "La clé du paquet est d'un type plus récent.",
  "bundle.key-format.hint": "Installez une version plus récente de meshman.",

  "preconfigure.one-file": "Le paquet et sa clé ne peuvent pas être dans un même fichier.",
  "preconfigure.next": "Sur la machine qui doit être cet appareil :",
  "preconfigure.apart":
    "La personne qui a le fichier et la clé dispose de cet appareil : acheminez-les par des voies différentes.",
  "preconfigure.shown-once": "La clé n'est affichée qu'une fois.",
  "preconfigure.overtaken": "Une autre exécution de la même commande a été plus rapide.",
  "preconfigure.overtaken.hint": "La clé que celle-ci a affichée est celle du paquet.",

  "install.what-key": "La clé du paquet",
  "install.what-key.hint": "Utilisez --key-file ou --key-fd.",
  "install.ask-key": "Clé du paquet",
  "install.one-key": "Donnez la clé du paquet une seule fois : dans un fichier, ou par un descripteur.",
  "install.profile-here": "Le profil est déjà sur cette machine, sous le nom {name}, comme un autre appareil.",
  "install.profile-here.hint":
    "Installez le paquet dans un autre dossier de meshman avec --home, ou retirez le profil d'ici avec `meshman profile delete`.",
  "install.bundle-left":
    "avertissement : le paquet n'a pas pu être supprimé, et peut encore installer cet appareil : {path}. {reason}",
  "install.lapsed.hint":
    "Sur un appareil d'administration : meshman device renew {udf} --expires 90d. Si l'appareil n'est déjà plus dans le profil, créez-en un autre avec `meshman device preconfigure`.",
  "install.already": "Cet appareil est déjà installé ici.",
  "install.next":
    "Ces clés ont été créées ailleurs. Pour en avoir de nouvelles, qui ne quittent jamais cette machine : meshman device rotate",

  "rotate.complete-with":
    "Sur un appareil d'administration : meshman device complete {code}, ou `meshman device approve`",
  "rotate.complete-admin":
    "Sur un autre appareil d'administration, qui a la clé maîtresse ou reçoit des parts : meshman device complete {code}",
  "rotate.then-status": "D'ici là, cet appareil continue avec ses clés actuelles. Regardez ici : meshman device status",
  "rotate.until-then": "De nouvelles clés sont demandées. D'ici là, cet appareil continue avec ses clés actuelles.",
  "rotate.done": "Cet appareil a de nouvelles clés.",
  "rotate.as-before": "Cet appareil continue avec les clés qu'il a.",
  "rotate.invites-ended": {
    one: "{count} invitation ouverte a pris fin avec les anciennes clés. Créez-la de nouveau avec `meshman device invite`.",
    other:
      "{count} invitations ouvertes ont pris fin avec les anciennes clés. Créez-les de nouveau avec `meshman device invite`.",
  },

  "renew.one-of":
    "Indiquez soit combien de temps l'appareil reste, avec --expires, soit qu'il n'expire jamais, avec --never.",
  "renew.administrator.hint": "Seul --never est possible.",

  "heading.invite": "INVITATION",
  "heading.joined": "APPAREILS ENTRÉS",
  "heading.left": "RESTE",
  "heading.state": "ÉTAT",
  "invites.open": "ouverte",
  "invites.expired": "expirée",
  "invites.used-up": "épuisée",
  "invites.none": "Il n'y a pas d'invitation. `meshman device invite` en crée une.",

  "withdraw.unknown": "Le profil n'a pas cette invitation.",
  "withdraw.unknown.hint": "`meshman device invites` les affiche.",
  "withdraw.withdrawn": "Retirée",
  "withdraw.joined": "Ces appareils sont entrés par elle. Retirez ceux qui ne sont pas à vous :",

  "help.device.invites.summary": "lister les invitations du profil",
  "help.device.invites.description":
    "Affiche chaque invitation, combien d'appareils peuvent encore entrer par elle et jusqu'à quand, et lesquels l'ont fait. Celles qui ont expiré sont affichées pendant 7 jours. Les PIN ne sont connus que de ceux qui les ont reçus.",
  "help.device.withdraw.summary": "mettre fin à une invitation",
  "help.device.withdraw.description":
    "Personne ne peut plus entrer par son PIN : pour un PIN qui est peut-être tombé en de mauvaises mains. Les appareils entrés par elle restent, et sont listés avec la commande qui retire chacun d'eux. Pour un appareil d'administration.",
  "help.device.withdraw.invite": "l'invitation, telle que `meshman device invites` l'affiche",
  "help.device.preconfigure.summary": "créer un appareil pour une autre machine",
  "help.device.preconfigure.description":
    "Crée ici les clés d'un appareil, ajoute l'appareil au profil, et écrit tout ce dont la machine a besoin dans un paquet chiffré, dont la clé est affichée une fois. Sur cette machine, `meshman device install` met l'appareil en place, sans que personne d'autre ait à être en ligne. Si la commande est interrompue, la relancer la termine. Pour un appareil d'administration.",
  "help.device.preconfigure.name": "nom de l'appareil, qui devient public",
  "help.device.preconfigure.expires":
    "durée pendant laquelle l'appareil appartient au profil, par exemple 90d (par défaut : sans limite)",
  "help.device.preconfigure.out": "nouveau fichier pour le paquet",
  "help.device.preconfigure.key-out": "nouveau fichier pour la clé du paquet, au lieu de l'afficher",
  "help.device.install.summary": "faire de cette machine l'appareil d'un paquet",
  "help.device.install.description":
    "Ouvre un paquet écrit par `meshman device preconfigure`, et installe les clés de l'appareil et son profil dans ce dossier de meshman. Le paquet est ensuite supprimé, car il ne sert qu'une fois. Rien n'est demandé à personne ; `meshman device rotate` demande des clés propres à cette machine.",
  "help.device.install.file": "le paquet",
  "help.device.install.key-file": "fichier de la clé du paquet ; - pour l'entrée standard",
  "help.device.install.key-fd": "descripteur de fichier où lire la clé du paquet",
  "help.device.install.name": "nom du profil sur cette machine",
  "help.device.install.keep": "laisser le paquet là où il est",
  "help.device.rename.summary": "donner un autre nom à un appareil",
  "help.device.rename.description": "Le nom devient public. Pour un appareil d'administration.",
  "help.device.rename.name": "le nouveau nom",
  "help.device.renew.summary": "fixer combien de temps un appareil reste",
  "help.device.renew.description":
    "L'appareil expire au bout de cette durée, à partir de maintenant, ou jamais. Un appareil d'administration n'expire jamais. Les appareils qui ont expiré quittent le profil à sa prochaine modification. Pour un appareil d'administration.",
  "help.device.renew.expires": "durée, par exemple 90d",
  "help.device.renew.never": "sans limite",
  "help.device.rotate.summary": "donner de nouvelles clés à cet appareil",
  "help.device.rotate.description":
    "Crée de nouvelles clés, et demande qu'elles prennent la place des clés actuelles, sous le même nom et avec les mêmes droits. Tant qu'un appareil d'administration ne l'a pas accordé avec `meshman device approve` ou `complete`, les clés actuelles restent en usage ; ensuite, la prochaine commande qui utilise les clés de cet appareil les supprime. Si la demande est refusée ou expire, tout reste comme avant. Un appareil d'administration qui a la clé maîtresse, ou qui reçoit des parts, le fait aussitôt. Relancée, la commande continue avec les mêmes clés et le même code.",
};
