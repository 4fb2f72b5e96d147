/** A layout that cannot be edited without changing what is not meant. Becomes a problem with a line, never an edit. */
export class UnsupportedLayout extends Error {
  /** Offset in the text. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.name = 'UnsupportedLayout';
    this.offset = offset;
  }
}
