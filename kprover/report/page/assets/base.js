'use strict';
// What the other scripts share: making elements, unpacking data, and what is remembered across reloads.

const find = (selector, root = document) => root.querySelector(selector);
const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}
// Children that are no elements become text nodes: nothing from a user is ever parsed as HTML.
const el = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
const svg = (name, attributes = {}, ...children) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);

const shellQuoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);
const counted = (number, noun) => `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;

function duration(seconds) {
  if (seconds < 0.995) return `${seconds.toFixed(seconds < 0.01 ? 4 : 2)} s`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (number) => String(number).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

async function unpackText(id) {
  const coded = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(coded.length);
  for (let i = 0; i < coded.length; i += 1) bytes[i] = coded.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(stream).text();
}

const unpack = async (id) => JSON.parse(await unpackText(id));

// Sorting, filters, unfolded nodes and so on, for this run, as long as the tab is open.
const memory = {
  key: `kprover:${location.pathname}:${document.body.dataset.run}`,
  data: {},
  load() {
    try {
      this.data = JSON.parse(sessionStorage.getItem(this.key)) || {};
    } catch {
      this.data = {};
    }
  },
  get(name, otherwise) {
    return name in this.data ? this.data[name] : otherwise;
  },
  set(name, value) {
    this.data[name] = value;
    try {
      sessionStorage.setItem(this.key, JSON.stringify(this.data));
    } catch {
      // no storage for pages from disk in this browser, or it is full: the page works without
    }
  },
};
memory.load();
