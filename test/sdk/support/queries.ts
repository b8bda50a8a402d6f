/** Something that a terminal answers. */
export interface Query {
  readonly name: string;
  readonly bytes: string;
  /** Whether the emulator of the test answers it; others do. */
  readonly isAnswered: boolean;
}

const answered = (name: string, bytes: string): Query => ({ name, bytes, isAnswered: true });
const known = (name: string, bytes: string): Query => ({ name, bytes, isAnswered: false });

const esc = "\x1b";
const st = `${esc}\\`;

/** Sixty of them. */
export const queries: readonly Query[] = [
  answered("primary attributes", `${esc}[c`),
  answered("primary attributes, with a zero", `${esc}[0c`),
  answered("primary attributes, introduced by C1", "\u009bc"),
  answered("primary attributes, with a line feed within", `${esc}[\n0c`),
  answered("primary attributes behind a broken sequence", `${esc}[12;\x18${esc}[c`),
  answered("primary attributes behind an unfinished title", `${esc}]0;title${esc}[c`),
  answered("primary attributes behind an unfinished sequence", `${esc}[12${esc}[c`),
  answered("primary attributes behind an unfinished string", `${esc}Pzzz${esc}[c`),
  answered("secondary attributes", `${esc}[>c`),
  answered("secondary attributes, with a zero", `${esc}[>0c`),
  known("tertiary attributes", `${esc}[=c`),
  known("identify", `${esc}Z`),
  known("identify, in C1", "\u009a"),
  known("enquiry", "\x05"),
  known("enquiry within a sequence", `${esc}[\x053m`),
  answered("state", `${esc}[5n`),
  answered("state, in C1", "\u009b5n"),
  answered("position", `${esc}[6n`),
  answered("position, with leading zeros", `${esc}[006n`),
  answered("position, of DEC", `${esc}[?6n`),
  answered("position behind a title in UTF-8", `${esc}]2;✓ é ©\x07${esc}[6n`),
  known("printer", `${esc}[?15n`),
  known("defined keys", `${esc}[?25n`),
  known("keyboard", `${esc}[?26n`),
  known("locator", `${esc}[?55n`),
  known("memory of macros", `${esc}[?62n`),
  known("checksum of memory", `${esc}[?63;1n`),
  known("colour scheme", `${esc}[?996n`),
  known("parameters", `${esc}[x`),
  known("parameters, unsolicited", `${esc}[1x`),
  answered("a mode", `${esc}[4$p`),
  answered("a mode of DEC", `${esc}[?2004$p`),
  answered("a mode that there is not", `${esc}[?31999$p`),
  known("size in pixels", `${esc}[14t`),
  known("size of a cell", `${esc}[16t`),
  answered("size in characters", `${esc}[18t`),
  known("state of the window", `${esc}[11t`),
  known("place of the window", `${esc}[13;2t`),
  known("size of the screen", `${esc}[19t`),
  known("title of the icon", `${esc}[20t`),
  known("title of the window", `${esc}[21t`),
  answered("setting of the colours", `${esc}P$qm${st}`),
  answered("setting of the margins", `${esc}P$qr${st}`),
  answered("setting of the cursor", `${esc}P$q q${st}`),
  answered("setting that there is not", `${esc}P$qzz${st}`),
  answered("setting, with a bell within", `${esc}P\x07$qm${st}`),
  answered("setting, in C1", "\u0090$qm\u009c"),
  known("a capability", `${esc}P+q544e${st}`),
  known("version", `${esc}[>q`),
  known("flags of the keyboard", `${esc}[?u`),
  known("a checksum of the screen", `${esc}[1;1;1;1;10;10*y`),
  known("a report of presentation", `${esc}[1$w`),
  known("graphics", `${esc}[?1;1;0S`),
  known("a picture", `${esc}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA${st}`),
  known("a colour", `${esc}]4;1;?\x07`),
  known("many colours", `${esc}]4;1;?;2;?;255;?${st}`),
  known("the foreground", `${esc}]10;?\x07`),
  known("all three colours", `${esc}]10;?;?;?\x07`),
  known("the background, in C1", "\u009d11;?\u009c"),
  known("the clipboard", `${esc}]52;c;?\x07`),
];

/** What no terminal answers, and must come through as it is. */
export const harmless: readonly string[] = [
  "plain text, ünïcode ✓ © 😀\r\n",
  `${esc}[1;31mred${esc}[0m ${esc}[38;5;12mblue${esc}[m`,
  `${esc}[2J${esc}[H${esc}[10;20H${esc}[K${esc}[?25l${esc}[?25h`,
  `${esc}[?1049h${esc}[?2004h${esc}[?1000;1006h${esc}[?1049l`,
  `${esc}]0;a title? yes ✓\x07`,
  `${esc}]8;;https://errand.example/?a=b${st}link${esc}]8;;${st}`,
  `${esc}(B${esc}7${esc}8${esc}=${esc}>${esc}M${esc}#8`,
  `${esc}[8;24;80t${esc}[22;0t${esc}[23;0t`,
  `${esc}[!p${esc}[1 q${esc}[s${esc}[u${esc}[>4;1m${esc}[?1;2c`,
  `${esc}Pq#0;2;0;0;0#0~~@@vv@@~~$-${st}`,
  `${esc}]4;1;rgb:00/11/22\x07${esc}]104\x07`,
  `${esc}]1337;SetMark\x07${esc}]133;A\x07${esc}^private${st}${esc}_other${st}`,
];
