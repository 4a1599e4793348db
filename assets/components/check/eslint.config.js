import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["check/"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-shadow": "error",
      "no-var": "error",
      "prefer-const": "error",
      // The same limits as for the Python files.
      "max-lines": ["error", { max: 350 }],
      "max-lines-per-function": ["error", { max: 40 }],
      "max-params": ["error", { max: 7 }],
      // A visitor's text is never put into a page as HTML.
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) => ({ property })),
      ],
    },
  },
];
