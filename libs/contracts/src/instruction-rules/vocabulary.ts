// Alternatives for the rules' patterns: lower case, ASCII, as `plainWords` leaves them.

const any = (...words: string[]): string => `(?:${words.join('|')})`;

/** Nouns that mean people or animals wherever they stand; food and toys are not among them. */
const LIVING = any(
  'persons?|people|humans?|man|men|woman|women|child|children|kids?|boys?|girls?|baby|babies|toddlers?|infants?|guys?',
  'operators?|workers?|coworkers?|colleagues?|employees?|technicians?|engineers?|users?|visitors?|customers?|patients?',
  'nurses?|doctors?|students?|teachers?|bystanders?|pedestrians?|guests?|neighbou?rs?|friends?|strangers?|intruders?|guards?',
  'mother|father|mom|mum|dad|brother|sister|wife|husband|son|daughter|grandma|grandpa|boss',
  'cats?|dogs?|kittens?|pupp(?:y|ies)|animals?|pets?|hamsters?|horses?',
);
const PRONOUN = any(
  'someone|somebody|anyone|anybody|everyone|everybody',
  'him|me|us|myself|himself|herself|themselves',
);
const ARTICLE = any(
  'the|a|an|that|this|these|those|my|our|your|his|her|their|any|every|each|all|some|both',
  'all the|all of the|one of the|two|three',
);
const FIGURE = any(
  'toy|stuffed|plush|lego|plastic|wooden|rubber|paper|gingerbread|hot|snow|straw|clay|chocolate|chess',
);
/** One word between article and noun: no preposition, and nothing that makes a figure of the person. */
const QUALITY = `(?!(?:${FIGURE}|for|with|to|of|by|near|at|in|on|and|or|like|from|as|than|not) )[\\p{L}\\p{N}]+`;

/** A person's or animal's things are not the person: "the man s cup". */
const NOT_THEIRS = '(?! s(?: |$))';
const TOYLESS = `(?<!\\b${FIGURE} )`;

/**
 * What may follow a person who is a verb's object. Anything else makes one thing of both words: "push the baby stroller",
 * "hit the operator button", "cut him a slice".
 */
export const THEN =
  '(?= (?:and|or|but|then|with|without|in|into|on|onto|at|from|to|by|near|next|over|off|out|away|down|up|against|through|until|till|so|who|that|which|if|when|while|before|after|again|as|because|standing|sitting|lying|for|there|here|behind|beside|hard|harder|now|right|please|repeatedly|immediately|fast|quickly|very|really|twice)(?: |$)|$)';

/** Someone, as a verb's object: "the tall man", "everyone", "her". */
export const SOMEONE = any(
  `(?:${ARTICLE} )?(?:${QUALITY} )?${TOYLESS}${LIVING}${NOT_THEIRS}(?![\\p{L}\\p{N}])`,
  `${PRONOUN}${NOT_THEIRS}(?![\\p{L}\\p{N}])`,
  // As a possessive it is followed by what is hers.
  `her${THEN}`,
);

const BODY = any(
  'fingers?|hands?|arms?|heads?|faces?|eyes?|necks?|throats?|legs?|foot|feet|toes?|skin|chest|belly|stomach|back|bod(?:y|ies)',
  'ears?|noses?|mouths?|knees?|skulls?|teeth|wrists?|ankles?|heart|tails?|paws?',
);
/** A part of somebody's body. Hands of clocks and legs of tables belong to nobody. */
export const BODY_PART = any(
  `(?:my|his|her|your|their|our|someone s|somebody s|anyone s|everyone s|people s) (?:[\\p{L}]+ )?${BODY}(?![\\p{L}\\p{N}])`,
  `(?:${ARTICLE} )?${TOYLESS}${LIVING} s (?:[\\p{L}]+ )?${BODY}(?![\\p{L}\\p{N}])`,
);

/** Done to somebody these are harm whatever follows. */
export const HARM = any(
  'kill(?:s|ing)?|murder(?:s|ing)?|stab(?:s|bing)?|strangl(?:e|es|ing)|suffocat(?:e|es|ing)|electrocut(?:e|es|ing)|behead(?:s|ing)?',
  'decapitat(?:e|es|ing)|dismember(?:s|ing)?|maim(?:s|ing)?|mutilat(?:e|es|ing)|tortur(?:e|es|ing)|assassinat(?:e|es|ing)|slaughter(?:s|ing)?',
  'chok(?:e|es|ing)|injur(?:e|es|ing)|hurt(?:s|ing)?|harm(?:s|ing)?|wound(?:s|ing)?|attack(?:s|ing)?|assault(?:s|ing)?',
  'impal(?:e|es|ing)|drown(?:s|ing)?|bludgeon(?:s|ing)?|scald(?:s|ing)?',
);
/** Done to a thing these are work; done to a person who is their whole object they are harm. */
export const FORCE = any(
  'hit(?:s|ting)?|strik(?:e|es|ing)|push(?:es|ing)?|shov(?:e|es|ing)|burn(?:s|ing)?|crush(?:es|ing)?|squeez(?:e|es|ing)|squash(?:es|ing)?',
  'cut(?:s|ting)?|slic(?:e|es|ing)|chop(?:s|ping)?|saw(?:s|ing)?|drill(?:s|ing)?|pok(?:e|es|ing)|prick(?:s|ing)?|pierc(?:e|es|ing)',
  'smash(?:es|ing)?|knock(?:s|ing)?|trip(?:s|ping)?|pinch(?:es|ing)?|beat(?:s|ing)?|ram(?:s|ming)?|crash into|slam into|run into|bump into|run over',
  'punch(?:es|ing)?|kick(?:s|ing)?|slap(?:s|ping)?|shoot(?:s|ing)?|poison(?:s|ing)?|cripple|execute|eliminate|destroy(?:s|ing)?|terminate',
  'jab(?:s|bing)?|scratch(?:es|ing)?|whack(?:s|ing)?|smack(?:s|ing)?|hammer(?:s|ing)?|trap(?:s|ping)?|pin down|throw(?:s|ing)?|tear apart|break',
);
export const WEAPON = any(
  'kni(?:fe|ves)|blades?|scissors|guns?|pistols?|rifles?|scalpels?|razors?|hammers?|drills?|saws?|axes?|needles?|screwdrivers?|torch|blowtorch',
  'soldering iron|swords?|cleavers?|spears?|daggers?|iron|acid',
);
export const FIREARM = any('guns?|pistols?|rifles?|shotguns?|revolvers?|firearms?|handguns?|machine gun');
/** Guns that are tools or toys. */
export const HARMLESS_GUN =
  '(?<!\\b(?:glue|heat|nail|spray|nerf|water|paint|caulk|caulking|massage|toy|barcode|temperature|grease|staple|air|tagging|price|solder|soldering|screw|hot air) )';
export const EXPLOSIVE = any(
  '(?<!bath )bombs?|explosives?|grenades?|land ?mines?|dynamite|molotovs?|(?:pipe|nail|car) bombs?|detonators?',
);

/** Parts of the safety system by their names. */
const SAFEGUARD = any(
  'e ?stops?|emergency ?stops?|emergency ?off|protective stops?|stop buttons?|kill ?switch(?:es)?|dead ?man(?: s)? switch(?:es)?|light curtains?|interlocks?',
  'watch ?dogs?|governor|limiters?|safeguards?|safeties|guard ?rails?|failsafes?|fail safes?|keep ?out (?:zones?|volumes?|areas?|boxes)',
  '(?:collision|obstacle|human|person|people|contact) (?:detection|avoidance|checks?|checking|monitoring|sensors?)',
);
const LIMITS =
  '(?:speed|velocity|acceleration|force|torque|power|joint|workspace|motion|safety|reach|safe|all|your|the|any|these|those|our)(?: [\\p{L}]+)? (?:limits?|limitations?|bounds|boundar(?:y|ies)|restrictions?|constraints?)(?! switch)';
const SAFETY =
  'safety(?: [\\p{L}]+)? (?:systems?|limits?|limitations?|checks?|rules?|stops?|functions?|controllers?|governor|monitors?|monitoring|features?|modes?|filters?|guards?|sensors?|scanners?|curtains?|fences?|gates?|interlocks?|constraints?|protocols?|mechanisms?|measures?|settings?|boundar(?:y|ies)|zones?|instructions?|guidelines?|layers?|software|circuits?|restrictions?|polic(?:y|ies)|requirements?)';
/** "Safety" itself, not what it is the first word of ("safety glasses", "safety pin"). */
const BARE_SAFETY = `safet(?:y|ies)${THEN}`;
export const SAFETY_SYSTEM = any(SAFETY, SAFEGUARD, LIMITS, BARE_SAFETY);
/** On the way to it: "all of the robot s". */
export const FILLER =
  '(?: (?:the|a|an|all|of|any|your|its|this|that|these|those|our|my|robots?|arms?|s|internal|built|in|whole|entire|every|each|software|hardware|current|maximum|max)){0,6}?';
export const EMERGENCY_STOP = '(?:e ?stop|emergency ?stop|protective stop|safety stop)';
export const LIMIT_OF_MOTION =
  '(?:speed|velocity|acceleration|force|torque|power|joint|workspace|safety) limit(?:s|ations?)?(?! switch)';

/** Not said of a thing that is only put away: no "remove", "drop", "cover". */
export const DISABLE = any(
  'disabl(?:e|es|ing)|deactivat(?:e|es|ing)|(?:turn|turning|switch|switching|shut|shutting) (?:off|down)|bypass(?:es|ing)?|overrid(?:e|es|ing)|circumvent(?:s|ing)?',
  'defeat(?:s|ing)?|ignor(?:e|es|ing)|disregard(?:s|ing)?|suppress(?:es|ing)?|violat(?:e|es|ing)|exceed(?:s|ing)?|overrul(?:e|es|ing)|forget(?: about)?|jailbreak',
  'suspend(?:s|ing)?|remov(?:e|ing) all|tamper(?:ing)? with|hack(?:s|ing)?|evad(?:e|es|ing)|work around|get around|get rid of|break(?:ing)?|lift(?:ing)? (?:all|the|your)|unlock|relax|loosen|neutrali[sz]e|sabotage|skip(?:ping)?|mute',
);
export const NEGLECT = any(
  '(?:do not|dont|never|stop|no need to|dont bother to|not) (?:obey|obeying|respect|respecting|follow|following|observe|observing|heed|heeding|enforce|enforcing|apply|applying|care about|caring about|worry about|worrying about|mind|check|checking)',
);
