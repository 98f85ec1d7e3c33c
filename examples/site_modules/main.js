import menu from "./menu.json" with { type: "json" };
import { slug } from "./lib/slug.js";

/** The links of the menu below a base, as [title, address]. */
export function navigation(base) {
  return menu.map((title) => [title, base + slug(title)]);
}
