import { byId, setText } from './dom.js';
import { messageOf } from './format.js';
import { Ink, SIDE, type Tool } from './ink.js';
import { openPicture } from './open-picture.js';
import { drawPicture } from './picture.js';
import type { ImageDataset } from './twill.js';

const TOOLS: readonly Tool[] = ['brush', 'eraser', 'fill'];

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
};

/** The drawing: with a pointer, with the keyboard, or from a picture. */
export class Sketch {
  readonly ink = new Ink();
  readonly #test: ImageDataset;
  readonly #changed: () => void;
  readonly #canvas = byId('sketch', HTMLCanvasElement);
  readonly #cursor = byId('sketch-cursor', HTMLElement);
  readonly #note = byId('sketch-note', HTMLElement);
  #tool: Tool = 'brush';
  #last: readonly [number, number] | undefined;
  #at: [number, number] = [SIDE / 2, SIDE / 2];

  /** `changed` is called after each stroke and each step of one. */
  constructor(test: ImageDataset, changed: () => void) {
    this.#test = test;
    this.#changed = changed;
    this.#listenToPointer();
    this.#canvas.addEventListener('keydown', (event) => this.#key(event));
    for (const tool of TOOLS) this.#toolButton(tool).addEventListener('click', () => this.#choose(tool));
    byId('sketch-clear', HTMLButtonElement).addEventListener('click', () => this.#clear());
    byId('sketch-sample', HTMLButtonElement).addEventListener('click', () => {
      this.show(Math.floor(Math.random() * test.length));
    });
    this.#listenToFiles();
    this.#moveCursor();
  }

  /** Puts a test image in. */
  show(image: number): void {
    const { image: pixels, label } = this.#test.get(image);
    this.#set(pixels as Uint8Array, `Test picture ${image}: ${this.#test.classes![label]}.`);
  }

  #set(pixels: Uint8Array, note: string): void {
    this.ink.pixels.set(pixels);
    this.#redraw(note);
  }

  #clear(): void {
    this.ink.clear();
    this.#redraw();
  }

  #redraw(note = ''): void {
    drawPicture(this.#canvas, this.ink.pixels);
    setText(this.#note, note);
    this.#changed();
  }

  #toolButton(tool: Tool): HTMLButtonElement {
    return byId(`tool-${tool}`, HTMLButtonElement);
  }

  #choose(tool: Tool): void {
    this.#tool = tool;
    for (const one of TOOLS) this.#toolButton(one).ariaPressed = String(one === tool);
  }

  #use(x: number, y: number): void {
    if (this.#tool === 'fill') this.ink.fill(x, y);
    else if (this.#last) this.ink.line(this.#last, [x, y], this.#tool);
    else this.ink.dot(x, y, this.#tool);
    this.#last = [x, y];
    this.#redraw();
  }

  #listenToPointer(): void {
    const canvas = this.#canvas;
    const draw = ({ clientX, clientY }: PointerEvent) => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      const inside = (part: number) => Math.min(SIDE - 0.01, Math.max(0, part * SIDE));
      this.#use(inside((clientX - left) / width), inside((clientY - top) / height));
    };
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.#last = undefined;
      draw(event);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (!canvas.hasPointerCapture(event.pointerId) || this.#tool === 'fill') return;
      for (const one of event.getCoalescedEvents?.() ?? []) draw(one);
      draw(event);
    });
  }

  #key(event: KeyboardEvent): void {
    const { key, shiftKey } = event;
    const arrow = ARROWS[key];
    if (arrow) {
      const within = (value: number) => Math.min(SIDE - 1, Math.max(0, value));
      this.#last = shiftKey ? this.#middle() : undefined;
      this.#at = [within(this.#at[0] + arrow[0]), within(this.#at[1] + arrow[1])];
      this.#moveCursor();
      if (shiftKey && this.#tool !== 'fill') this.#use(...this.#middle());
    } else if (key === ' ' || key === 'Enter') {
      this.#last = undefined;
      this.#use(...this.#middle());
    } else if (key === 'Delete' || key === 'Backspace') {
      this.#clear();
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Of the pixel that the keyboard is at. */
  #middle(): [number, number] {
    return [this.#at[0] + 0.5, this.#at[1] + 0.5];
  }

  #moveCursor(): void {
    this.#cursor.style.setProperty('--column', String(this.#at[0]));
    this.#cursor.style.setProperty('--row', String(this.#at[1]));
  }

  #listenToFiles(): void {
    const input = byId('sketch-file', HTMLInputElement);
    const drop = byId('drop', HTMLElement);
    const open = async (file: File | undefined) => {
      if (!file) return;
      try {
        const { pixels, steps } = await openPicture(file);
        this.#set(pixels, [file.name, ...steps].join(', '));
      } catch (error) {
        setText(this.#note, messageOf(error));
      }
    };
    input.addEventListener('change', () => {
      void open(input.files?.[0]);
      input.value = '';
    });
    drop.addEventListener('dragover', (event) => {
      event.preventDefault();
      drop.classList.add('over');
    });
    drop.addEventListener('dragleave', () => drop.classList.remove('over'));
    drop.addEventListener('drop', (event) => {
      event.preventDefault();
      drop.classList.remove('over');
      void open(event.dataTransfer?.files[0]);
    });
  }
}
