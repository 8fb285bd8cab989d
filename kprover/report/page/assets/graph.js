// The picture of a proof graph: a tree from left to right, whose branches and long chains are folded.
//
// A node stands on the line of its first child; each further child begins a line of its own. Only what is unfolded is
// drawn, so thousands of nodes cost no more than those that are seen.

const COLUMN = 216;
const LINE = 34;
const BOX = { width: 54, height: 22 };
const MOST_CHILDREN = 24; // of more children, so many are shown until the others are asked for
const SHORTEST_CHAIN = 3; // so many nodes in a row, each with one child, are drawn as one
const FIRST_VIEW = 70; // about so many nodes are unfolded to begin with
const MOST_UNFOLDED = 1500;
const MOST_LEAVES = 6; // the way to so many failing and pending nodes is unfolded to begin with

class GraphModel {
  constructor(data) {
    Object.assign(this, data);
    this.size = data.parents.length;
    this.isFailing = new Set(data.failing);
    this.children = Array.from({ length: this.size + 1 }, () => []);
    for (let id = 2; id <= this.size; id += 1) if (this.parent(id)) this.children[this.parent(id)].push(id);
    this.below = new Int32Array(this.size + 1);
    this.failingBelow = new Int32Array(this.size + 1);
    this.pendingBelow = new Int32Array(this.size + 1);
    for (let id = this.size; id >= 1; id -= 1) { // a node's number is greater than its parent's
      const parent = this.parent(id);
      if (!parent) continue;
      this.below[parent] += this.below[id] + 1;
      this.failingBelow[parent] += this.failingBelow[id] + this.isFailing.has(id);
      this.pendingBelow[parent] += this.pendingBelow[id] + (this.state(id) === 'pending');
    }
  }

  parent(id) { return this.parents[id - 1]; }
  state(id) { return this.texts[this.states[id - 1]]; }
  kind(id) { return this.texts[this.kinds[id - 1]]; }
  condition(id) { return this.texts[this.conditions[id - 1]]; }
  rulesOf(id) { const rules = this.texts[this.rules[id - 1]]; return rules ? rules.split('\n') : []; }
  depth(id) { return this.depths[id - 1]; }

  ancestors(id) {
    const found = [];
    for (let up = this.parent(id); up; up = this.parent(up)) found.push(up);
    return found;
  }

  pathCondition(id) {
    return [id, ...this.ancestors(id)].map((node) => this.condition(node)).filter(Boolean).reverse();
  }

  pending() {
    const found = [];
    for (let id = 1; id <= this.size; id += 1) if (this.state(id) === 'pending') found.push(id);
    return found;
  }

  edgeText(id) {
    const kind = this.kind(id);
    if (kind === 'step') return counted(this.rewrites[id - 1], 'step');
    if (kind === 'branch') return this.condition(id);
    if (kind === 'ndbranch') return `by ${this.rulesOf(id)[0] ?? 'a rule'}`;
    return kind;
  }
}

// What is unfolded: `open` nodes show their children, `chains` begin with these nodes, `all` show each of their children.
class Folding {
  constructor(model, kept) {
    this.model = model;
    if (kept) {
      this.open = new Set(kept.open);
      this.chains = new Set(kept.chains);
      this.all = new Set(kept.all);
    } else this.begin();
  }

  kept() {
    return { open: [...this.open], chains: [...this.chains], all: [...this.all] };
  }

  begin() {
    const { model } = this;
    this.open = new Set();
    this.chains = new Set();
    this.all = new Set();
    for (const id of [...model.failing.slice(0, MOST_LEAVES), ...model.pending().slice(0, MOST_LEAVES)]) this.reveal(id, false);
    let left = FIRST_VIEW - this.open.size;
    for (let queue = [1]; queue.length && left > 0;) {
      const id = queue.shift();
      if (!model.children[id].length) continue;
      if (!this.open.has(id)) {
        this.open.add(id);
        if (model.children[id].length > 1) left -= model.children[id].length;
      }
      queue.push(...this.shownChildren(id));
    }
  }

  // Unfold the way to a node.
  reveal(id, unchain = true) {
    const way = [id, ...this.model.ancestors(id)];
    for (const [i, node] of way.entries()) {
      const parent = way[i + 1];
      if (parent === undefined) break;
      this.open.add(parent);
      if (this.model.children[parent].length > MOST_CHILDREN && !this.shownChildren(parent).includes(node)) this.all.add(parent);
    }
    if (!unchain) return;
    for (const node of way) {
      const chain = this.chainFrom(node);
      if (chain.includes(id)) this.chains.add(node);
    }
  }

  unfoldAll() {
    const { model } = this;
    let left = MOST_UNFOLDED;
    const queue = [1];
    for (let i = 0; i < queue.length; i += 1) {
      const id = queue[i];
      left -= model.children[id].length;
      if (left < 0) return false;
      if (model.children[id].length) this.open.add(id);
      this.all.add(id);
      this.chains.add(id);
      queue.push(...model.children[id]);
    }
    return true;
  }

  foldAll() {
    this.open.clear();
    this.chains.clear();
    this.all.clear();
  }

  shownChildren(id) {
    const children = this.model.children[id];
    if (children.length <= MOST_CHILDREN || this.all.has(id)) return children;
    const { model } = this;
    const weight = (child) => (model.isFailing.has(child) || model.failingBelow[child] ? 2 : 0) + (model.state(child) === 'pending' || model.pendingBelow[child] ? 1 : 0);
    return [...children].sort((a, b) => weight(b) - weight(a) || a - b).slice(0, MOST_CHILDREN).sort((a, b) => a - b);
  }

  // The nodes from `id` on that have one child each, unless that chain is unfolded or too short to be one.
  chainFrom(id) {
    const found = [];
    let node = id;
    while (this.model.children[node].length === 1) {
      found.push(node);
      [node] = this.model.children[node];
    }
    return found.length >= SHORTEST_CHAIN && !this.chains.has(id) ? found : [];
  }

  // What is drawn, line by line: { id, kind, level, line, parent, ... } where `parent` is the entry before.
  layout() {
    const { model } = this;
    const entries = [];
    let line = 0;
    const stack = [{ id: 1, level: 0, parent: null, first: true, chained: false }];
    while (stack.length) {
      const { id, level, parent, first, chained, more } = stack.pop();
      if (!first) line += 1;
      if (more) {
        entries.push({ id, kind: 'more', more, level, line, parent, key: `m${id}` });
        continue;
      }
      const chain = chained || !parent ? [] : this.chainFrom(id);
      if (chain.length) {
        const entry = { id, kind: 'chain', chain, level, line, parent, key: `c${id}` };
        entries.push(entry);
        stack.push({ id: model.children[chain.at(-1)][0], level: level + 1, parent: entry, first: true, chained: true });
        continue;
      }
      const entry = { id, kind: 'node', level, line, parent, key: `n${id}`, open: this.open.has(id) };
      entries.push(entry);
      if (!entry.open) continue;
      const shown = this.shownChildren(id);
      const left = model.children[id].length - shown.length;
      if (left) stack.push({ id, level: level + 1, parent: entry, more: left });
      for (let i = shown.length - 1; i >= 0; i -= 1) stack.push({ id: shown[i], level: level + 1, parent: entry, first: i === 0 });
    }
    return entries;
  }
}

const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

class GraphView {
  constructor(model, folding, { onselect, onfold }) {
    this.model = model;
    this.folding = folding;
    this.onselect = onselect;
    this.onfold = onfold;
    this.selected = null;
    this.active = 'n1';
    this.element = el('div', { class: 'graph' });
    this.element.addEventListener('click', (event) => {
      const item = event.target.closest('[data-key]');
      if (item) this.use(item.dataset.key, Boolean(event.target.closest('.fold')));
    });
    this.element.addEventListener('keydown', (event) => this.key(event));
  }

  draw() {
    this.entries = this.folding.layout();
    this.byKey = new Map(this.entries.map((entry) => [entry.key, entry]));
    if (!this.byKey.has(this.active)) this.active = 'n1';
    const on = new Set(this.selected === null ? [] : [this.selected, ...this.model.ancestors(this.selected)]);
    const [edges, items] = [[], []];
    let widest = 0;
    let lowest = 0;
    for (const entry of this.entries) {
      widest = Math.max(widest, entry.level);
      lowest = Math.max(lowest, entry.line);
      if (entry.parent) edges.push(this.edge(entry, on));
      items.push(this.item(entry));
    }
    const [width, height] = [(widest + 1) * COLUMN + 40, (lowest + 1) * LINE + 16];
    const picture = svg('svg', { width, height, viewBox: `0 0 ${width} ${height}` },
      svg('g', { 'aria-hidden': 'true' }, edges),
      svg('g', { role: 'tree', 'aria-label': 'Proof graph; arrow keys move, enter unfolds' }, items));
    const { scrollLeft, scrollTop } = this.element;
    const focused = this.element.contains(document.activeElement);
    this.element.replaceChildren(picture);
    this.element.scrollTo(scrollLeft, scrollTop);
    if (focused) this.focus();
  }

  place(entry) {
    return { x: 12 + entry.level * COLUMN, y: 8 + entry.line * LINE + (LINE - BOX.height) / 2 };
  }

  edge(entry, on) {
    const [from, to] = [this.place(entry.parent), this.place(entry)];
    const [x1, x2] = [from.x + this.width(entry.parent), to.x];
    const [y1, y2] = [from.y + BOX.height / 2, to.y + BOX.height / 2];
    const path = y1 === y2 ? `M${x1} ${y1}H${x2}` : `M${from.x + 22} ${from.y + BOX.height}V${y2 - 8}q0 8 8 8H${x2}`;
    const group = svg('g', {}, svg('path', { class: `edge${on.has(entry.id) ? ' on' : ''}`, d: path }));
    const text = entry.kind === 'more' ? '' : this.model.edgeText(entry.id);
    if (text) {
      const condition = this.model.kind(entry.id) === 'branch';
      const room = Math.floor((x2 - Math.max(x1, from.x + 34) - 6) / (condition ? 6.7 : 6));
      const label = svg('text', { class: condition ? 'condition' : 'label', x: Math.max(x1, from.x + 30) + 6, y: y2 - 5 }, shortened(text, room));
      label.append(svg('title', {}, text));
      group.append(label);
    }
    return group;
  }

  width(entry) {
    return entry.kind === 'node' ? BOX.width : 96;
  }

  item(entry) {
    const { model } = this;
    const { x, y } = this.place(entry);
    const width = this.width(entry);
    const state = entry.kind === 'node' ? model.state(entry.id) : entry.kind;
    const children = entry.kind === 'node' && model.children[entry.id].length > 0;
    const classes = [`n-${state}`];
    if (entry.kind === 'node' && model.isFailing.has(entry.id)) classes.push('n-failing');
    if (entry.kind === 'node' && model.reused[entry.id - 1]) classes.push('reused');
    const group = svg('g', {
      class: classes.join(' '),
      role: 'treeitem',
      'data-key': entry.key,
      'data-node': entry.kind === 'node' ? entry.id : null,
      tabindex: entry.key === this.active ? '0' : '-1',
      'aria-level': entry.level + 1,
      'aria-expanded': children || entry.kind !== 'node' ? String(Boolean(entry.open)) : null,
      'aria-selected': String(entry.kind === 'node' && entry.id === this.selected),
      'aria-label': this.label(entry, state),
    },
    svg('rect', { class: 'ring', x: x - 3, y: y - 3, width: width + 6, height: BOX.height + 6, rx: 7 }),
    svg('rect', { class: 'box', x, y, width, height: BOX.height, rx: 4 }),
    svg('text', { class: 'number', x: x + width / 2, y: y + 15 }, this.title(entry)));
    const beside = { x: x + width + 8, y: y + 15 };
    if (entry.kind === 'node' && !children && state !== 'expanded') {
      group.append(svg('text', { ...beside, class: 'end' }, state === 'covered' ? 'reaches the target' : state));
    } else if (children && !entry.open) group.append(this.fold(entry.id, beside));
    return group;
  }

  title(entry) {
    if (entry.kind === 'chain') return counted(entry.chain.length, 'node');
    if (entry.kind === 'more') return `${entry.more} more`;
    return String(entry.id);
  }

  label(entry, state) {
    const { model } = this;
    if (entry.kind === 'chain') return `${entry.chain.length} nodes in a row, from ${entry.id} to ${entry.chain.at(-1)}`;
    if (entry.kind === 'more') return `${entry.more} more branches of node ${entry.id}`;
    const edge = model.edgeText(entry.id);
    const below = entry.open || !model.below[entry.id] ? '' : `, ${model.below[entry.id]} nodes folded`;
    return `node ${entry.id}, ${state}, depth ${model.depth(entry.id)}${edge ? `, ${edge}` : ''}${below}`;
  }

  fold(id, beside) {
    const { model } = this;
    const text = svg('text', { ...beside, class: 'fold' }, `▸ ${counted(model.below[id], 'node')}`);
    if (model.failingBelow[id]) text.append(svg('tspan', { class: 'bad', dx: 6 }, `${model.failingBelow[id]} failing`));
    if (model.pendingBelow[id]) text.append(svg('tspan', { dx: 6 }, `${model.pendingBelow[id]} pending`));
    return text;
  }

  // A click or enter: unfold what is folded, select a node.
  use(key, foldOnly = false) {
    const entry = this.byKey.get(key);
    this.active = key;
    if (entry.kind === 'chain') {
      this.folding.chains.add(entry.id);
      this.active = `n${entry.id}`;
      for (const id of entry.chain) this.folding.open.add(id);
    } else if (entry.kind === 'more') this.folding.all.add(entry.id);
    else if (this.model.children[entry.id].length && (foldOnly || this.selected === entry.id || !entry.open)) this.toggle(entry.id);
    if (entry.kind === 'node') this.select(entry.id);
    this.onfold();
    this.draw();
    this.focus();
  }

  toggle(id) {
    if (!this.folding.open.delete(id)) this.folding.open.add(id);
  }

  select(id) {
    this.selected = id;
    this.onselect(id);
  }

  // Unfold the way to a node, select it and bring it into view.
  show(id) {
    this.folding.reveal(id);
    this.onfold();
    this.active = `n${id}`;
    this.select(id);
    this.draw();
    this.center(`n${id}`);
  }

  center(key) {
    const entry = this.byKey.get(key);
    if (!entry) return;
    const { x, y } = this.place(entry);
    const { clientWidth, clientHeight } = this.element;
    this.element.scrollTo(Math.max(0, x - clientWidth * 0.6), Math.max(0, y - clientHeight / 2));
  }

  focus() {
    find(`[data-key="${this.active}"]`, this.element)?.focus({ preventScroll: true });
    const entry = this.byKey.get(this.active);
    const { x, y } = this.place(entry);
    const box = this.element;
    if (x < box.scrollLeft) box.scrollLeft = x - 12;
    else if (x + COLUMN > box.scrollLeft + box.clientWidth) box.scrollLeft = x + COLUMN - box.clientWidth;
    if (y < box.scrollTop) box.scrollTop = y - 12;
    else if (y + LINE > box.scrollTop + box.clientHeight) box.scrollTop = y + LINE - box.clientHeight;
  }

  move(entry) {
    if (!entry) return;
    const before = find(`[data-key="${this.active}"]`, this.element);
    before?.setAttribute('tabindex', '-1');
    this.active = entry.key;
    find(`[data-key="${this.active}"]`, this.element)?.setAttribute('tabindex', '0');
    this.focus();
  }

  key(event) {
    const item = event.target.closest?.('[data-key]');
    if (!item || event.altKey || event.ctrlKey || event.metaKey) return;
    const here = this.byKey.get(item.dataset.key);
    const at = this.entries.indexOf(here);
    const childOf = (entry) => this.entries.find((other) => other.parent === entry);
    const actions = {
      ArrowDown: () => this.move(this.entries[at + 1]),
      ArrowUp: () => this.move(this.entries[at - 1]),
      Home: () => this.move(this.entries[0]),
      End: () => this.move(this.entries.at(-1)),
      ArrowRight: () => (childOf(here) ? this.move(childOf(here)) : this.unfold(here)),
      ArrowLeft: () => (here.open ? this.unfold(here) : this.move(here.parent)),
      Enter: () => this.use(here.key),
      ' ': () => this.use(here.key),
    };
    if (!(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
  }

  unfold(entry) {
    if (entry.kind !== 'node') {
      this.use(entry.key);
      return;
    }
    if (!this.model.children[entry.id].length) return;
    this.toggle(entry.id);
    this.onfold();
    this.draw();
    this.focus();
  }
}
