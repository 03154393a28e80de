// The status page: it follows /events, and shows what it hears.
//
// Names and error texts come from discovery and from servers.  They enter the
// page as text only (textContent, setAttribute), never as HTML.
'use strict';

const $ = (id) => document.getElementById(id);

function el(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

// Writes only what has changed, so that a selection of the reader survives.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// --- How values are shown ----------------------------------------------------

const seconds = (duration) => duration ? parseFloat(duration) : 0;

function latency(value) {
  const ms = value * 1000;
  if (ms >= 10000) return (ms / 1000).toFixed(1) + ' s';
  return (ms < 10 ? ms.toFixed(2) : ms.toFixed(0)) + ' ms';
}

function age(value) {
  const s = Math.max(0, Math.floor(value));
  if (s < 60) return s + ' s';
  if (s < 3600) return Math.floor(s / 60) + ' min ' + s % 60 + ' s';
  if (s < 86400) return Math.floor(s / 3600) + ' h ' + Math.floor(s % 3600 / 60) + ' min';
  return Math.floor(s / 86400) + ' d ' + Math.floor(s % 86400 / 3600) + ' h';
}

const count = (value) => Number(value || 0).toLocaleString('en');

// "sticky key" of STICKY_KEY.
const words = (name) => name.toLowerCase().replace('_', ' ');

function clock(timestamp) {
  const time = el('time', '', '');
  const date = new Date(timestamp);
  if (isNaN(date)) return time;
  time.dateTime = date.toISOString();
  time.textContent = date.toLocaleTimeString('en-GB') + '.' +
      String(date.getMilliseconds()).padStart(3, '0');
  return time;
}

const STATES = {
  ALIVE: ['alive', '● alive'],
  OVERLOADED: ['overloaded', '▲ overloaded'],
  DOWN: ['down', '✖ down'],
  DOWN_RETRY: ['trial', '◐ on trial'],
};

function stateOf(backend) {
  const known = STATES[backend.state] || ['', '? ' + backend.state];
  if (backend.absent) return ['absent', '○ absent, ' + backend.state.toLowerCase()];
  if (backend.drained) return ['draining', '◇ drained'];
  if (backend.draining) return ['draining', '◆ draining'];
  return known;
}

// --- Actions -----------------------------------------------------------------

let csrfToken = '';
let actionsEnabled = false;

async function fetchToken() {
  const response = await fetch('/status.json');
  csrfToken = response.headers.get('X-CSRF-Token') || '';
  return response.json();
}

function answer(text, good) {
  const line = $('answer');
  line.hidden = false;
  line.className = good ? 'good' : 'bad';
  line.textContent = (good ? '✓ ' : '✖ ') + text;
}

async function act(name, request) {
  const post = () => fetch('/actions/' + name, {
    method: 'POST',
    headers: {'Content-Type': 'application/json', 'X-CSRF-Token': csrfToken},
    body: JSON.stringify(request),
  });
  try {
    let response = await post();
    if (response.status === 403) {  // The server was started again.
      await fetchToken();
      response = await post();
    }
    const result = await response.json();
    answer(result.message, response.ok);
  } catch (error) {
    answer('the server did not answer: ' + error.message, false);
  }
}

// --- Tables ------------------------------------------------------------------

const COLUMNS = [
  ['Backend', 'name'], ['State', 'state'], ['For', 'for'], ['Role', 'role'],
  ['Weight', 'number'], ['Share', ''], ['In flight', 'number'],
  ['Latency, last minute', ''], ['p50', 'number'], ['p99', 'number'],
  ['Errors / min', 'number'], ['Retries landed', 'number'],
  ['Connections', 'number'], ['Why', 'why'],
];

function makeTable(caption, columns) {
  const table = el('table');
  table.append(el('caption', 'hidden', caption));
  const head = el('thead');
  const row = el('tr');
  for (const [label, className] of columns) {
    const cell = el('th', className === 'number' ? 'number' : '', label);
    cell.scope = 'col';
    row.append(cell);
  }
  head.append(row);
  const body = el('tbody');
  table.append(head, body);
  return {table, body};
}

const SVG = 'http://www.w3.org/2000/svg';

function makeSpark() {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'spark');
  svg.setAttribute('viewBox', '0 0 118 24');
  svg.setAttribute('role', 'img');
  const lines = {};
  for (const name of ['p50', 'p99']) {
    lines[name] = document.createElementNS(SVG, 'polyline');
    lines[name].setAttribute('class', name);
    svg.append(lines[name]);
  }
  return {svg, lines};
}

function drawSpark(spark, minute) {
  const samples = (minute && minute.seconds) || [];
  const top = Math.max(1e-4, ...samples.map((s) => s.p99Seconds));
  const first = 60 - samples.length;
  for (const [name, field] of [['p50', 'p50Seconds'], ['p99', 'p99Seconds']]) {
    const points = [];
    samples.forEach((sample, i) => {
      if (!sample.attempts) return;
      points.push((first + i) * 2 + ',' + (23 - 22 * sample[field] / top).toFixed(1));
    });
    spark.lines[name].setAttribute('points', points.join(' '));
  }
  spark.svg.setAttribute('aria-label', samples.length === 0 ? 'no calls in the last minute' :
      'up to ' + latency(top) + ' in the last minute');
}

function makeActions(row) {
  const details = el('details');
  details.append(el('summary', '', 'Actions'));
  const box = el('div', 'actions');
  const add = (label, name, extra) => {
    const button = el('button', 'act-' + name, label);
    button.type = 'button';
    button.addEventListener('click', () => act(name, Object.assign(
        {target: row.target, backend: row.address}, extra ? extra() : {})));
    box.append(button);
    return button;
  };
  add('Drain', 'drain');
  add('Undrain', 'undrain');
  add('Mark unhealthy', 'markUnhealthy');
  add('Mark healthy', 'markHealthy');
  const label = el('label', '', 'Weight ');
  row.weight = el('input');
  row.weight.type = 'number';
  row.weight.min = 1;
  row.weight.max = 1000000;
  label.append(row.weight);
  box.append(label);
  add('Set weight', 'setWeight', () => ({weight: Number(row.weight.value)}));
  add('Reset weight', 'resetWeight');
  add('Reset backoff', 'resetBackoff');
  for (const button of box.querySelectorAll('button')) {
    button.setAttribute('aria-label', button.textContent + ' ' + row.label);
  }
  details.append(box);
  return details;
}

function makeRow(channel, backend) {
  const row = {
    element: el('tr'), target: channel.target, address: backend.address,
    label: backend.name || backend.address, cells: [],
  };
  row.element.dataset.backend = row.label;
  for (const [label, className] of COLUMNS) {
    const cell = el('td', className);
    cell.dataset.label = label;
    row.cells.push(cell);
    row.element.append(cell);
  }
  row.texts = row.cells.map((cell) => {
    const text = el('span');
    cell.append(text);
    return text;
  });
  const bar = el('span', 'share');
  row.bar = el('i');
  bar.append(row.bar);
  row.cells[5].append(bar);
  row.spark = makeSpark();
  row.texts[7].replaceWith(row.spark.svg);
  row.actions = makeActions(row);
  row.actions.hidden = true;
  row.cells[13].append(row.actions);
  return row;
}

function updateRow(row, backend, now) {
  const minute = backend.lastMinute;
  const [className, state] = stateOf(backend);
  row.cells[1].className = 'state ' + className;
  const since = backend.since ? age((now - Date.parse(backend.since)) / 1000) : '–';
  let why = backend.reason || '';
  if (backend.linkError) why += (why ? '; ' : '') + backend.linkError;
  if (backend.lastProbe) why += (why ? '; ' : '') + 'probe: ' + backend.lastProbe;
  const texts = [
    row.label, state, since, backend.role || '–',
    Number(backend.effectiveWeight) === backend.weight ? count(backend.weight) :
        count(Math.round(backend.effectiveWeight)) + ' of ' + count(backend.weight),
    minute ? Math.round(minute.share * 100) + ' %' : '–',
    count(backend.inFlight), null,
    minute ? latency(seconds(minute.p50)) : '–',
    minute ? latency(seconds(minute.p99)) : '–',
    minute ? count(minute.errors) + ' of ' + count(minute.attempts) : '–',
    count(backend.retriesLanded),
    String(backend.connections) + (backend.link && backend.link !== 'READY' ?
        ' (' + backend.link.toLowerCase() + ')' : ''),
    why,
  ];
  texts.forEach((text, i) => { if (text !== null) setText(row.texts[i], text); });
  row.cells[0].title = backend.address + (backend.zone ? ', zone ' + backend.zone : '') +
      ', ' + count(backend.calls) + ' calls, ' + count(backend.failures) + ' failures, ' +
      count(backend.ejections) + ' ejections';
  row.bar.style.width = (minute ? minute.share * 100 : 0) + '%';
  drawSpark(row.spark, minute);
  row.actions.hidden = !actionsEnabled;
  // Not while somebody may be typing.
  if (!row.actions.open) row.weight.value = backend.weight;
}

// --- Channels ----------------------------------------------------------------

const channels = new Map();

const ROUTE_COLUMNS = [
  ['Route', 'name'], ['Role', ''], ['Matches', 'number'], ['Last method', ''],
];

function makeChannel(channel) {
  const view = {element: el('section', 'channel'), rows: new Map()};
  view.facts = el('p', 'facts');
  view.banners = el('div');
  const backends = makeTable('Backends', COLUMNS);
  view.body = backends.body;
  view.more = el('p', 'hint');
  view.routesTitle = el('h3', '', 'Routes');
  const routes = makeTable('Routes', ROUTE_COLUMNS);
  view.routesTable = routes.table;
  view.routesBody = routes.body;
  view.element.append(el('h2', '', channel.target), view.facts, view.banners, backends.table,
                      view.more, view.routesTitle, routes.table);
  return view;
}

function fact(label, value) {
  const part = el('span', '', label + ' ');
  part.append(el('b', '', value));
  return part;
}

function factsOf(channel, leftOut) {
  const resolver = channel.resolver || {};
  const facts = [
    fact('channel', channel.state),
    fact('usable', channel.backendsUsable + ' of ' + (channel.backends.length + leftOut)),
  ];
  for (const balancer of channel.balancers) {
    facts.push(fact(balancer.path, balancer.strategy));
  }
  if (resolver.listAge) facts.push(fact('list from', age(seconds(resolver.listAge)) + ' ago'));
  facts.push(fact('lists', count(resolver.updates)));
  if (Number(resolver.errors) > 0) facts.push(fact('resolver errors', count(resolver.errors)));
  return facts;
}

function bannersOf(channel) {
  const banners = [];
  if (channel.resolver && channel.resolver.lastError) {
    banners.push('⚠ resolver: ' + channel.resolver.lastError);
  }
  for (const balancer of channel.balancers) {
    if (balancer.panic) {
      banners.push('⚠ panic: ' + balancer.path + ' ignores health, too few backends are well');
    }
    if (balancer.hasBacklog && Number(balancer.waiting) > 0) {
      banners.push('⚠ backlog of ' + balancer.path + ': ' + count(balancer.waiting) + ' of ' +
          count(balancer.limit) + ' calls wait');
    }
  }
  for (const warning of channel.warnings) banners.push('⚠ configuration: ' + warning);
  return banners;
}

// Removes the views of `map` whose key is not in `seen`.
function removeUnseen(map, seen) {
  for (const [id, view] of map) {
    if (!seen.has(id)) {
      view.element.remove();
      map.delete(id);
    }
  }
}

function updateBackends(view, channel, now) {
  const seen = new Set();
  let place = view.body.firstElementChild;
  for (const backend of channel.backends) {
    const id = backend.address + ' ' + backend.name;
    seen.add(id);
    let row = view.rows.get(id);
    if (!row) {
      row = makeRow(channel, backend);
      view.rows.set(id, row);
    }
    if (row.element === place) {
      place = place.nextElementSibling;
    } else {
      view.body.insertBefore(row.element, place);
    }
    updateRow(row, backend, now);
  }
  removeUnseen(view.rows, seen);
}

function updateRoutes(view, routes) {
  view.routesTitle.hidden = view.routesTable.hidden = routes.length === 0;
  view.routesBody.replaceChildren(...routes.map((route) => {
    const row = el('tr');
    const texts = [route.name, route.role || '–',
                   route.neverMatched ? '⚠ never matched' : count(route.matches),
                   route.lastMethod || '–'];
    texts.forEach((text, i) => {
      const cell = el('td', ROUTE_COLUMNS[i][1]);
      cell.dataset.label = ROUTE_COLUMNS[i][0];
      cell.append(el('span', '', text));
      row.append(cell);
    });
    return row;
  }));
}

function updateChannel(view, channel, now) {
  const leftOut = Number(channel.backendsLeftOut || 0);
  view.facts.replaceChildren(...factsOf(channel, leftOut));
  const banners = bannersOf(channel);
  const key = banners.join('\n');
  if (view.bannerKey !== key) {
    view.bannerKey = key;
    view.banners.replaceChildren(...banners.map((text) => el('p', 'banner', text)));
  }
  updateBackends(view, channel, now);
  setText(view.more, leftOut > 0 ? '… and ' + count(leftOut) + ' more' : '');
  updateRoutes(view, channel.routes);
}

function showStatus(status) {
  actionsEnabled = status.actionsEnabled;
  const now = Date.parse(status.time);
  setText($('version'), [status.libraryVersion, 'gRPC ' + status.grpcVersion,
      'up ' + age((now - Date.parse(status.started)) / 1000)].join(', '));
  const box = $('channels');
  const seen = new Set();
  for (const channel of status.channels) {
    seen.add(channel.id);
    let view = channels.get(channel.id);
    if (!view) {
      view = makeChannel(channel);
      channels.set(channel.id, view);
      box.append(view.element);
    }
    updateChannel(view, channel, now);
  }
  removeUnseen(channels, seen);
  const none = $('none');
  if (channels.size === 0 && !none) {
    const text = el('p', 'hint', 'No channel reports here: add the monitor to ChannelOptions::sinks.');
    text.id = 'none';
    box.append(text);
  } else if (channels.size > 0 && none) {
    none.remove();
  }
}

// --- Events and calls --------------------------------------------------------

const MAX_EVENTS = 200;
let lastEvent = 0;

function eventText(event) {
  if (event.kind === 'ACTION') {
    return event.backend + ': ' + event.action + (event.to ? ' ' + event.to : '') + ', asked by ' +
        event.askedBy + (event.reason ? ': ' + event.reason : '');
  }
  const who = event.backend || event.who;
  return who + ': ' + event.kind.toLowerCase() + ' ' + event.from + ' → ' + event.to +
      (event.ejection ? ' (ejected)' : '') + (event.reason ? ': ' + event.reason : '');
}

function showEvent(event) {
  const sequence = Number(event.sequence);
  // After a restart of the process the numbers begin anew.
  if (sequence === lastEvent) return;
  lastEvent = sequence;
  const item = el('li');
  item.append(clock(event.time), el('span', '', eventText(event)));
  const list = $('events-list');
  list.prepend(item);
  while (list.children.length > MAX_EVENTS) list.lastElementChild.remove();
}

const MAX_CALLS = 50;

function attemptTitle(attempt) {
  const parts = [attempt.address, 'sent: ' + words(attempt.sent),
                 'chosen by ' + words(attempt.chosenBy)];
  if (attempt.message) parts.push(attempt.message);
  for (const over of attempt.passedOver) {
    parts.push('not ' + over.backend + ' (' + words(over.why) + ')');
  }
  return parts.join('; ');
}

function showCalls(calls) {
  setText($('calls-hint'), 'Calls that failed or were retried, and ' + (calls.oneIn ?
      'one in ' + count(calls.oneIn) + ' of the others.' : 'none of the others.'));
  const onlyFailed = $('calls-failed').checked;
  const shown = calls.calls.filter((call) =>
      !onlyFailed || call.status !== 'OK' || call.attemptsMade > 1).slice(0, MAX_CALLS);
  const newest = shown.length + ' ' + (shown.length ? shown[0].sequence : '') + onlyFailed;
  const list = $('calls-list');
  if (list.dataset.newest === newest) return;
  list.dataset.newest = newest;
  list.replaceChildren(...shown.map((call) => {
    const item = el('li');
    item.append(clock(call.start), el('span', '', call.method + ' '),
                el('b', call.status === 'OK' ? 'alive' : 'down',
                   (call.status === 'OK' ? '✓ ' : '✖ ') + call.status),
                el('span', 'faint', ' in ' + latency(seconds(call.duration)) +
                   (call.route ? ', route ' + call.route : '')));
    if (call.message) item.append(el('div', 'faint', call.message));
    const chips = el('div', 'chips');
    call.attempts.forEach((attempt, i) => {
      if (i > 0) chips.append(el('span', 'faint', '→'));
      const chip = el('span', attempt.status === 'OK' ? 'chip ok' : 'chip',
          attempt.backend + ' ' + attempt.status + ' ' + latency(seconds(attempt.duration)));
      chip.title = attemptTitle(attempt);
      chips.append(chip);
    });
    item.append(chips);
    return item;
  }));
}

async function updateCalls() {
  try {
    showCalls(await (await fetch('/calls.json')).json());
  } catch (error) {
    // The line at the top says that the connection is lost.
  }
}

async function pollCalls() {
  if (!document.hidden) await updateCalls();
  setTimeout(pollCalls, 2000);
}

async function showConfig() {
  if (!$('config-details').open) return;
  let config;
  try {
    config = await (await fetch('/config.json')).json();
  } catch (error) {
    setText($('config-list'), 'The server does not answer: close this and open it again.');
    return;
  }
  $('config-list').replaceChildren(...config.channels.flatMap((channel) => {
    let text = channel.serviceConfigJson;
    try {
      text = JSON.stringify(JSON.parse(text), null, 2);
    } catch (error) {
      // It is shown as it is.
    }
    return [el('h3', '', channel.target), el('pre', '', text || 'none: the defaults hold')];
  }));
}

// --- The beginning -----------------------------------------------------------

function live(text) { setText($('live'), text); }

function follow() {
  const source = new EventSource('/events');
  source.addEventListener('open', () => live('● live'));
  source.addEventListener('status', (message) => {
    live('● live');
    showStatus(JSON.parse(message.data));
  });
  source.addEventListener('event', (message) => showEvent(JSON.parse(message.data)));
  source.addEventListener('error', () => {
    live('○ connection lost, trying again …');
    // A browser gives up after an answer like 503.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 3000);
  });
}

$('config-details').addEventListener('toggle', showConfig);
$('calls-failed').addEventListener('change', updateCalls);
fetchToken().then(showStatus).catch(() => live('○ the server does not answer'));
follow();
pollCalls();
