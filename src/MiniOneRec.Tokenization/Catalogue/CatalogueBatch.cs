namespace MiniOneRec.Tokenization;

/// <summary>Items on their way into a catalogue.</summary>
/// <param name="Ids">Their ids.</param>
/// <param name="Vectors">Their vectors.</param>
/// <param name="Unknown">The rows about whose text nothing is known.</param>
/// <param name="Policy">What happens to these.</param>
internal sealed record CatalogueBatch(
    IReadOnlyList<string> Ids, EmbeddingTable Vectors, IReadOnlyDictionary<int, UnknownTextReason> Unknown, UnknownTextPolicy Policy);
