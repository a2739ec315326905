/**
 * The live page's script: it shows what the run tells of itself, and asks the run for what the buttons say. It runs in
 * one scope with the scripts of the time lines (verdict/page/browser).
 */

type LiveHello = import('../wire.ts').LiveHello;
type LiveUpdate = import('../wire.ts').LiveUpdate;
type LiveEnd = import('../wire.ts').LiveEnd;
type LiveRequest = import('../wire.ts').LiveRequest;
type HostChange = import('../wire.ts').HostChange;
type FaultButton = import('../wire.ts').FaultButton;

/** A device or a server, and its tile. */
interface HostTile {
  readonly name: string;
  readonly isServer: boolean;
  readonly tile: HTMLButtonElement;
  readonly how: HTMLElement;
  isChosen: boolean;
  isGhost: boolean;
  isConnected: boolean;
  isOnline: boolean;
  isOff: boolean;
  faults: readonly string[];
}

/** With more devices than this a tile is a lamp without words. */
const WORDS_MAX = 80;
/** Lines of the log that a page keeps. */
const LOG_MAX = 1000;
const LINES_EVERY_MS = 1000;
const SPEEDS = [0.1, 1, 10, 60, 600, 3600];

const fleet = find('fleet');
const message = find('message');
const log = find('log');
const pauseButton = find<HTMLButtonElement>('pause');
const speedSelect = find<HTMLSelectElement>('speed');
const tiles: HostTile[] = [];
/** Functions that show which faults the selected hosts are under. */
const faultShows: (() => void)[] = [];
let isOver = false;
let isFetching = false;
/** Time at which the time lines are due again, in ms since the page was opened. */
let nextLinesMs = 0;
/** First tile of a range that is selected with the shift key. */
let anchor = 0;

function say(sentence: string, isBad = false): void {
  message.textContent = sentence;
  message.className = isBad ? 'bad' : '';
}

async function ask(request: LiveRequest): Promise<void> {
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch('/act', { method: 'POST', headers, body: JSON.stringify(request) });
    if (response.ok) say('');
    else say(await response.text(), true);
  } catch {
    say('The run does not answer any more.', true);
  }
}

// ---- the fleet ----

function addTile(name: string, isServer: boolean): void {
  const tile = document.createElement('button');
  tile.type = 'button';
  tile.className = 'host';
  tile.tabIndex = tiles.length === 0 ? 0 : -1;
  const part = (className: string, text = ''): HTMLElement => {
    const span = document.createElement('span');
    span.className = className;
    span.textContent = text;
    return span;
  };
  const lamps = part('lamps');
  lamps.append(part('own'), part('view'));
  const how = part('how');
  tile.append(part('who', name), how, lamps);
  const index = tiles.length;
  tile.addEventListener('click', (event) => choose(index, event.shiftKey));
  tile.addEventListener('focus', () => {
    for (const other of tiles) other.tile.tabIndex = -1;
    tile.tabIndex = 0;
  });
  tiles.push({
    name, isServer, tile, how,
    isChosen: false, isGhost: false, isConnected: false, isOnline: false, isOff: false, faults: [],
  });
}

function choose(index: number, isRange: boolean): void {
  const chosen = tiles[index];
  if (chosen === undefined) return;
  if (isRange) {
    for (let i = Math.min(anchor, index); i <= Math.max(anchor, index); i++) {
      const one = tiles[i];
      if (one !== undefined) one.isChosen = true;
    }
  } else {
    chosen.isChosen = !chosen.isChosen;
    anchor = index;
  }
  showChosen();
}

function chooseWhere(isMeant: (host: HostTile) => boolean): void {
  for (const host of tiles) host.isChosen = isMeant(host);
  showChosen();
}

function chosenHosts(): HostTile[] {
  return tiles.filter(({ isChosen }) => isChosen);
}

function showChosen(): void {
  for (const { tile, isChosen } of tiles) tile.setAttribute('aria-pressed', String(isChosen));
  const chosen = chosenHosts();
  const [first] = chosen;
  const many = `${chosen.length} are selected`;
  const some = first !== undefined && chosen.length === 1 ? `${first.name} is selected` : many;
  find('chosen').textContent = first === undefined ? 'Nothing is selected: click a tile' : some;
  showFaults();
}

/** The buttons and sliders, as the selected hosts are. */
function showFaults(): void {
  for (const refresh of faultShows) refresh();
}

function applyChange([index, own, view, faults]: HostChange): void {
  const host = tiles[index];
  if (host === undefined) return;
  host.isGhost = view === 'ghost';
  host.isOnline = view === 'online' || host.isGhost;
  host.isConnected = own === 'connected';
  host.isOff = own === 'off' || own === 'crashed' || own === 'resetting';
  host.faults = faults;
  host.tile.dataset['own'] = own;
  host.tile.dataset['view'] = view;
  if (faults.length > 0) host.tile.dataset['faults'] = faults.join(', ');
  else delete host.tile.dataset['faults'];
  const words = [own, ...(view === 'ghost' || view === 'online' ? [view] : []), ...faults];
  host.how.textContent = faults.length > 0 ? faults.join(', ') : own;
  host.tile.title = `${host.name}: ${words.join(', ')}`;
  host.tile.setAttribute('aria-label', `${host.name}: ${words.join(', ')}`);
}

fleet.addEventListener('keydown', (event) => {
  const at = tiles.findIndex(({ tile }) => tile === document.activeElement);
  if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
  const columns = Math.max(getComputedStyle(fleet).gridTemplateColumns.split(' ').length, 1);
  const steps = new Map([
    ['ArrowRight', 1], ['ArrowLeft', -1], ['ArrowDown', columns], ['ArrowUp', -columns],
    ['Home', -at], ['End', tiles.length - 1 - at],
  ]);
  const step = steps.get(event.key);
  const next = step === undefined ? undefined : tiles[at + step];
  if (step === undefined) return;
  event.preventDefault();
  next?.tile.focus();
});

// ---- faults ----

function kindOf(fault: string): string {
  return fault.split(' ')[0] ?? fault;
}

/** Returns how many of the selected hosts are under this kind of fault. */
function countUnder(kind: string): { under: number; chosen: number } {
  const chosen = chosenHosts();
  const under = chosen.filter(({ faults }) => faults.some((fault) => kindOf(fault) === kind));
  return { under: under.length, chosen: chosen.length };
}

function namesOfChosen(): string[] {
  const names = chosenHosts().map(({ name }) => name);
  if (names.length === 0) say('Select the devices first: click their tiles.', true);
  return names;
}

function addFaultButton({ kind, summary, lasts, argument }: FaultButton): void {
  const box = document.createElement('span');
  box.className = argument === undefined ? 'fault' : 'fault with';
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = kind;
  button.title = summary;
  button.dataset['kind'] = kind;
  box.append(button);
  let input: HTMLInputElement | undefined;
  if (argument !== undefined) {
    input = document.createElement('input');
    input.value = argument.isOptional ? '' : argument.example;
    input.placeholder = argument.isOptional ? `or ${argument.example}` : argument.example;
    input.title = argument.what;
    input.setAttribute('aria-label', `${kind}: ${argument.what}`);
    input.autocomplete = 'off';
    box.append(input);
  }
  const given = input;
  button.addEventListener('click', () => {
    const hosts = namesOfChosen();
    if (hosts.length === 0) return;
    const { under } = countUnder(kind);
    if (under === hosts.length) return void ask({ act: 'heal', kind, hosts });
    const text = given?.value.trim() ?? '';
    void ask({ act: 'begin', kind, argument: text === '' ? undefined : text, hosts });
  });
  if (lasts || argument?.isOptional === true) faultShows.push(() => {
    const { under, chosen } = countUnder(kind);
    button.setAttribute('aria-pressed', under === 0 ? 'false' : under === chosen ? 'true' : 'mixed');
    button.textContent = under > 0 && under === chosen ? `heal ${kind}` : kind;
  });
  find('faults').append(box);
}

/** A fault whose amount is a slider: 0 heals it. */
function addSlider(kind: 'loss' | 'latency', label: string, most: number, unit: string): void {
  const row = document.createElement('label');
  const name = document.createElement('span');
  name.textContent = label;
  const slider = document.createElement('input');
  slider.type = 'range';
  slider.min = '0';
  slider.max = String(most);
  slider.step = String(most / 100);
  slider.value = '0';
  slider.dataset['kind'] = kind;
  const shown = document.createElement('output');
  row.append(name, slider, shown);
  const tell = (): void => {
    shown.textContent = `${slider.value} ${unit}`;
  };
  slider.addEventListener('input', tell);
  slider.addEventListener('change', () => {
    const hosts = namesOfChosen();
    if (hosts.length === 0) return;
    const change = async (): Promise<void> => {
      if (countUnder(kind).under > 0) await ask({ act: 'heal', kind, hosts });
      if (Number(slider.value) > 0) await ask({ act: 'begin', kind, argument: `${slider.value}${unit}`, hosts });
    };
    void change();
  });
  faultShows.push(() => {
    if (document.activeElement === slider) return;
    const amounts = chosenHosts().map(({ faults }) => {
      const fault = faults.find((one) => kindOf(one) === kind);
      return fault === undefined ? 0 : Number.parseFloat(fault.split(' ')[1] ?? '0');
    });
    slider.value = String(Math.max(0, ...amounts));
    tell();
  });
  find('sliders').append(row);
}

// ---- what the run tells ----

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function showCounts(): void {
  const devices = tiles.filter(({ isServer }) => !isServer);
  const count = (is: (host: HostTile) => boolean): number => devices.filter(is).length;
  const ghosts = count(({ isGhost }) => isGhost);
  const parts = [
    `${count(({ isConnected }) => isConnected)} of ${counted(devices.length, 'device')} connected`,
    `${count(({ isOnline }) => isOnline)} online at the server`,
    `${count(({ isOff }) => isOff)} off`,
  ];
  const bad = document.createElement('span');
  bad.className = ghosts > 0 ? 'bad' : '';
  bad.textContent = counted(ghosts, 'ghost');
  find('counts').replaceChildren(`${parts.join(' · ')} · `, bad);
}

function showUpdate({ nowMs, pace, hosts, log: lines, summary, faults }: LiveUpdate): void {
  find('clock').textContent = clock(nowMs, 100);
  find('plan').hidden = faults === 0;
  if (pace !== undefined) {
    pauseButton.hidden = false;
    speedSelect.hidden = false;
    pauseButton.textContent = pace.isPaused ? 'Go on' : 'Pause';
    pauseButton.setAttribute('aria-pressed', String(pace.isPaused));
    showSpeed(pace.speed);
  }
  for (const change of hosts) applyChange(change);
  if (hosts.length > 0) {
    showCounts();
    showFaults();
  }
  if (summary !== undefined) find('summary').innerHTML = summary;
  if (lines.length > 0) addToLog(lines);
}

function showSpeed(speed: number): void {
  const known = [...speedSelect.options].some(({ value }) => Number(value) === speed);
  if (!known) speedSelect.add(new Option(`${speed} × real time`, String(speed)));
  if (document.activeElement !== speedSelect) speedSelect.value = String(speed);
}

function addToLog(lines: readonly string[]): void {
  const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  for (const line of lines) {
    const entry = document.createElement('div');
    entry.textContent = line;
    log.append(entry);
  }
  while (log.childElementCount > LOG_MAX) log.firstElementChild?.remove();
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function begin({ hosts, deviceCount, buttons, update }: LiveHello): void {
  tiles.length = 0;
  faultShows.length = 0;
  for (const id of ['fleet', 'faults', 'sliders', 'log']) find(id).replaceChildren();
  fleet.className = deviceCount > WORDS_MAX ? 'many' : '';
  hosts.forEach((name, i) => addTile(name, i >= deviceCount));
  fleet.append(...tiles.map(({ tile }) => tile));
  const kinds = new Set(buttons.map(({ kind }) => kind));
  for (const button of buttons) if (button.kind !== 'loss' && button.kind !== 'latency') addFaultButton(button);
  if (kinds.has('loss')) addSlider('loss', 'Loss', 100, '%');
  if (kinds.has('latency')) addSlider('latency', 'Delay', 2000, 'ms');
  showUpdate(update);
  showCounts();
  showChosen();
}

async function refreshLines(): Promise<void> {
  isFetching = true;
  try {
    const response = await fetch('/lines');
    if (response.ok && !isOver) receive(await response.json());
  } catch {
    // The stream of events tells if the run has gone.
  }
  isFetching = false;
}

/** The time lines grow with the run, once a second, where somebody sees them. */
function keepLines(atMs: number): void {
  if (isFetching || document.hidden || atMs < nextLinesMs) return;
  nextLinesMs = atMs + LINES_EVERY_MS;
  void refreshLines();
}

function finish({ update, lines, plan }: LiveEnd): void {
  isOver = true;
  source.close();
  showUpdate(update);
  receive(lines);
  // The run's server is gone: the plan is in the page from now on.
  const link = find<HTMLAnchorElement>('plan');
  link.href = `data:text/plain;charset=utf-8,${encodeURIComponent(plan)}`;
  const acting = '#faults button, #faults input, #sliders input, #pause, #end, #speed';
  for (const one of document.querySelectorAll(acting)) one.setAttribute('disabled', '');
  say('The run is over. What you see is how it ended.');
}

for (const speed of SPEEDS) speedSelect.add(new Option(`${speed} × real time`, String(speed)));
const source = new EventSource('/events');
source.addEventListener('hello', (event) => begin(JSON.parse(event.data)));
source.addEventListener('update', (event) => {
  showUpdate(JSON.parse(event.data));
  keepLines(event.timeStamp);
});
source.addEventListener('over', (event) => finish(JSON.parse(event.data)));
source.addEventListener('error', () => {
  if (!isOver) say('The run does not answer; the page tries again.', true);
});
source.addEventListener('open', () => say(''));

function setPace(isPaused: boolean): void {
  void ask({ act: 'pace', speed: Number(speedSelect.value), isPaused });
}

function isPausing(): boolean {
  return pauseButton.getAttribute('aria-pressed') === 'true';
}

onClick('pause', () => setPace(!isPausing()));
speedSelect.addEventListener('change', () => {
  setPace(isPausing());
  speedSelect.blur();
});
onClick('end', () => void ask({ act: 'end' }));
onClick('select-all', () => chooseWhere(({ isServer }) => !isServer));
onClick('select-ghosts', () => chooseWhere(({ isGhost }) => isGhost));
onClick('select-none', () => chooseWhere(() => false));
