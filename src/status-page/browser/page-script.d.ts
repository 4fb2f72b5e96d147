/** What the server sees of the script of the page: functions that have a text. The browser has other types than the server. */
export declare function applyChange(): void;
export declare function applyTable(): void;
export declare function askedBy(): void;
export declare function lossText(): void;
export declare function morph(): void;
export declare function searchByForm(): void;
export declare function showAges(): void;
export declare function startPage(): void;
export declare function takeVerdict(): void;
