// What these scripts use of Streamlit and of Plotly, neither of which the check installs.

/** What Streamlit hands to a component's default export, at each rerun again. */
export interface ComponentArguments<Data> {
  data: Data;
  /** The component's own HTML lies in it. */
  parentElement: HTMLElement | ShadowRoot;
  /** Stays in the session's state. */
  setStateValue(name: string, value: unknown): void;
  /** Is there for one rerun. */
  setTriggerValue(name: string, value: unknown): void;
}

export type Send = (name: string, value: unknown) => void;

/** A point, a direction or θ itself. */
export type Vector = number[];
export type Matrix = number[][];

/** A trace; `meta` tells the scripts what they may change of it. */
export interface Trace {
  meta?: string;
  [property: string]: unknown;
}

export interface Layout {
  font?: object;
  margin: { l: number; r: number; t: number; b: number };
  [property: string]: unknown;
}

export interface Figure {
  data: Trace[];
  layout: Layout;
}

interface Axis {
  fixedrange: boolean;
  range: [number, number];
  _offset: number;
  _length: number;
  /** From pixels to data, and back. */
  p2d(pixel: number): number;
  d2p(value: number): number;
}

export interface PlotHover {
  points: { x: number; y: number; customdata?: unknown }[];
  event: MouseEvent;
}

export interface Frame {
  traces: number[];
}

/** An element that Plotly has drawn in. Names with a leading _ are Plotly's own. */
export interface Plot extends HTMLElement {
  data: Trace[];
  layout: Layout;
  _fullLayout: {
    xaxis: Axis;
    yaxis: Axis;
    dragmode: string | false;
    width: number;
    height: number;
    paper_bgcolor: string;
  };
  _context: { toImageButtonOptions: { filename: string } };
  _transitionData?: { _frameHash?: Record<string, Frame> };
  on(event: "plotly_hover", handler: (event: PlotHover) => void): void;
  on(event: "plotly_unhover", handler: () => void): void;
  on(event: "plotly_relayout", handler: (change: Record<string, unknown>) => void): void;
  removeListener(event: string, handler: (event: PlotHover) => void): void;
}

declare global {
  interface Window {
    /** Streamlit loads it with the page's first chart. */
    Plotly?: {
      react(element: HTMLElement, data: Trace[], layout: object, config: object): Promise<unknown>;
      relayout(element: HTMLElement, change: object): Promise<unknown>;
      downloadImage(figure: object, options: object): Promise<unknown>;
      animate(element: Element, frames: string[], options: object): Promise<unknown>;
    };
  }
}
