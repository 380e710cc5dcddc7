# SPDX-License-Identifier: Apache-2.0
"""Names and traces that generators leave in metadata. A trace is a hint: ``suspected`` at most, never a finding.

What the table rests on: the sources of the open tools (AUTOMATIC1111 web UI, ComfyUI, InvokeAI, Fooocus, SwarmUI) for
their keys, and files of the closed services seen by several independent public readers for their names. A name counts
only in a field that names a tool or a credit, only as whole words: a caption may well speak of Midjourney, and
``algorithmicMedia`` is not AI.
"""

import re

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

# Tool, and how a software, creator-tool or credit field names it. Words that also name cameras, ordinary programs or
# plain things (Firefly, Gemini, Imagen, Flux, Grok) need the maker or a version beside them.
_NAMES = (
    ("DALL-E", r"dall[-·.\s]?e(?:[-\s]?[23])?"),
    ("OpenAI", r"openai|chatgpt|gpt-image(?:-[\d.]+)?|sora 2"),
    ("Midjourney", r"midjourney"),
    ("Stable Diffusion", r"stable[\s_-]?diffusion|stability\.?ai|dreamstudio|automatic1111|sdxl"),
    ("Adobe Firefly", r"adobe[\s_]firefly|firefly(?=\s+(?:image|video)\s+\d)"),
    ("Google AI", r"(?:made|edited|created|generated) with google ai|google (?:imagen|gemini|veo)"),
    ("Google AI", r"(?:imagen|gemini|veo)[\s-](?:\d(?:\.\d)?)(?:[\s-](?:pro|flash|ultra))?|nano banana"),
    ("FLUX", r"flux\.[12]|black forest labs"),
    ("NovelAI", r"novelai"),
    ("InvokeAI", r"invoke[\s-]?ai"),
    ("ComfyUI", r"comfyui"),
    ("Fooocus", r"(?:ruined)?fooocus"),
    ("SwarmUI", r"(?:stable)?swarmui"),
    ("Grok", r"grok[\s-](?:\d|imagine)|xai grok|x\.ai"),
    ("Ideogram", r"ideogram(?:\.ai)?"),
    ("Leonardo.Ai", r"leonardo\.ai"),
    ("Recraft", r"recraft(?:\.ai)?"),
    ("Krea", r"krea[\s.]ai"),
    ("Runway", r"runwayml|runway gen-?\d"),
    ("Bing Image Creator", r"bing image creator"),
    ("Meta AI", r"imagined with (?:meta )?ai|meta ai"),
    ("Craiyon", r"craiyon"),
    ("NightCafe", r"nightcafe"),
    ("Qwen", r"qwen-?image"),
    ("Seedream", r"seedream"),
    ("Kling", r"kling ai|klingai"),
)
_TOOLS = tuple((tool, re.compile(rf"(?<![\w])(?:{pattern})(?![\w])", re.IGNORECASE)) for tool, pattern in _NAMES)
_WHOLE = {"firefly": "Adobe Firefly"}  # only when the field holds nothing else

# PNG text: the key, what its text must hold (None: the key alone is telling), and the tool.
_KEYS = (
    ("parameters", r'"sui_image_params"', "SwarmUI"),
    ("parameters", r"\bSteps: \d{1,4}, ", "Stable Diffusion"),
    ("prompt", r'"class_type"', "ComfyUI"),
    ("workflow", r'"nodes"', "ComfyUI"),
    ("fooocus_scheme", None, "Fooocus"),
    ("invokeai_metadata", None, "InvokeAI"),
    ("invokeai_graph", None, "InvokeAI"),
    ("invokeai_workflow", None, "InvokeAI"),
    ("sd-metadata", None, "InvokeAI"),
    ("Dream", None, "InvokeAI"),
    ("Description", rf"\bJob ID: {_UUID}", "Midjourney"),
    ("Comment", r'"sampler":\s?"k?_?[a-z_+0-9]{3,40}"', "NovelAI"),
)
_KEYED = tuple((key, re.compile(pattern) if pattern else None, tool) for key, pattern, tool in _KEYS)

# EXIF: UserComment and the fields into which ComfyUI puts its graph for WebP.
_COMMENTS = (
    ("Stable Diffusion", re.compile(r"\bSteps: \d{1,4}, (?:Sampler|Schedule)")),
    ("SwarmUI", re.compile(r'"sui_image_params"')),
    ("ComfyUI", re.compile(r'^(?:prompt|workflow):\s?\{|"class_type":\s?"')),
    ("Midjourney", re.compile(rf"\bJob ID: {_UUID}")),
)
_XAI_SIGNATURE = re.compile(r"Signature: [A-Za-z0-9+/=]{40,}\s*$")
_ONLY_UUID = re.compile(_UUID)


def named_tool(text: str | None) -> str | None:
    """The generator that a software or credit field names, None if it names none."""
    if not text:
        return None
    shown = text[:1024]
    if (whole := _WHOLE.get(shown.strip().lower())) is not None:
        return whole
    return next((tool for tool, pattern in _TOOLS if pattern.search(shown)), None)


def keyed_tool(key: str, text: str) -> str | None:
    """The generator that writes a text of this form under this key."""
    if key == "Software":
        return named_tool(text)
    return next(
        (tool for name, pattern, tool in _KEYED if name == key and (pattern is None or pattern.search(text))), None
    )


def commented_tool(text: str) -> str | None:
    """The generator whose parameters a comment field holds."""
    return next((tool for tool, pattern in _COMMENTS if pattern.search(text)), None)


def signed_by_xai(description: str, artist: str) -> bool:
    """Grok's pair: a base64 signature as description and a UUID as artist."""
    return bool(_XAI_SIGNATURE.match(description) and _ONLY_UUID.fullmatch(artist.strip()))
