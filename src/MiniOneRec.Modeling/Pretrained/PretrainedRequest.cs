using Microsoft.Extensions.Logging;

namespace MiniOneRec.Modeling;

/// <summary>Says which pretrained model is wanted, and for which catalogue.</summary>
/// <param name="Path">A Hugging Face folder or a <c>.gguf</c> file.</param>
/// <param name="Options">The template and where the rows of new tokens come from.</param>
/// <param name="Shared">Device and seed.</param>
/// <param name="Index">The semantic IDs, each code of which becomes a token.</param>
/// <param name="Items">The items, whose titles may give the new tokens their first rows.</param>
/// <param name="Backbones">Loads folders.</param>
/// <param name="Logger">Receives a warning about ignored keys of files.</param>
internal sealed record PretrainedRequest(
    string Path, ModelingOptions Options, MiniOneRecOptions Shared, SemanticIdIndex Index, IReadOnlyList<Item> Items,
    BackboneRegistry Backbones,
    ILogger? Logger);
