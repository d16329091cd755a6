/**
 * Finds where the page looks into a plain object by a word: what a peer may have chosen must not
 * reach what every object inherits. By types, from the compiler itself.
 */
import { API } from "typescript/unstable/sync";
import {
  isBinaryExpression,
  isBindingElement,
  isComputedPropertyName,
  isElementAccessExpression,
  isNumericLiteral,
  isStringLiteral,
} from "typescript/unstable/ast/is";
import { SyntaxKind, type Node, type SourceFile } from "typescript/unstable/ast";

/** The compiler's `TypeFlags.NumberLike`. */
const NUMBER_LIKE = 67_648;

interface Asked {
  readonly where: string;
  readonly key: Node;
}

function asked(file: SourceFile, name: string): Asked[] {
  const found: Asked[] = [];
  const at = (node: Node): string => `${name}: ${node.getText(file).replaceAll(/\s+/g, " ").slice(0, 70)}`;
  const visit = (node: Node): void => {
    let key: Node | undefined;
    if (isElementAccessExpression(node)) key = node.argumentExpression;
    else if (isBinaryExpression(node) && node.operatorToken.kind === SyntaxKind.InKeyword) key = node.left;
    else if (isBindingElement(node) && node.propertyName !== undefined && isComputedPropertyName(node.propertyName))
      key = node.propertyName.expression;
    if (key !== undefined && !isStringLiteral(key) && !isNumericLiteral(key)) found.push({ where: at(node), key });
    node.forEachChild(visit);
  };
  visit(file);
  return found;
}

/** Lookups in `files` whose key is no number, not written out and of no type that is in `own`. */
export function lookupsByWord(
  config: string,
  files: readonly string[],
  own: ReadonlySet<string>,
  name: (file: string) => string,
): string[] {
  const api = new API();
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    if (project === undefined) throw new Error("no project");
    return files.flatMap((file) => {
      const source = project.program.getSourceFile(file);
      if (source === undefined) throw new Error(`not compiled: ${file}`);
      const all = asked(source, name(file));
      const types = project.checker.getTypeAtLocation(all.map(({ key }) => key));
      return all
        .filter(({ key }, i) => {
          const type = types[i];
          if (type === undefined || (type.flags & NUMBER_LIKE) !== 0) return type === undefined;
          const text = project.checker.typeToString(type, key);
          return !/^[\d |]+$/.test(text) && !own.has(text);
        })
        .map(({ where }) => where);
    });
  } finally {
    api.close();
  }
}
