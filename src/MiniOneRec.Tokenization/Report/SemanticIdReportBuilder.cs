using MiniOneRec.Tensors;

namespace MiniOneRec.Tokenization;

/// <summary>Computes a <see cref="SemanticIdReport"/>, section by section.</summary>
internal sealed class SemanticIdReportBuilder(
    SemanticIdIndex index, SemanticIdEvidence evidence, SemanticIdReportOptions options, IProgress<TrainingProgress>? progress)
{
    private const int Sections = 5;

    public Task<SemanticIdReport> BuildAsync(CancellationToken cancellationToken) =>
        TorchThread.RunAsync("semantic-id-report", () => Build(cancellationToken));

    private SemanticIdReport Build(CancellationToken cancellationToken)
    {
        var raw = evidence.RawCodes
            ?? (evidence is { Embeddings: not null, Quantizer: not null } ? evidence.Quantizer.Encode(evidence.Embeddings) : null);
        var report = new SemanticIdReport
        {
            Fingerprint = index.Fingerprint,
            Items = index.Count,
            Depth = index.Depth,
            Depths = new SortedDictionary<int, int>(index.SemanticIds.CountBy(id => id.Depth).ToDictionary()),
            Collisions = CollisionFigures.Of(index.SemanticIds),
            RawCollisions = raw is null ? null
            : CollisionFigures.Of([.. Enumerable.Range(0, raw.Count).Select(row => new SemanticId(raw[row]))]),
            Moved = raw is null ? null : Enumerable.Range(0, raw.Count).Count(row => !index.SemanticIds[row].Codes.SequenceEqual(raw[row])),
            Targets = evidence.Targets is null ? null : TargetFigures.Of(index, evidence.Targets),
            Levels = LevelFigures.Of(index),
            LastCode = new LastCodeFigures(0, 0, null),
        };
        Done(1, cancellationToken);
        var decoder = evidence.Embeddings is null ? null : CodeDecoder.Create(index, evidence.Embeddings, evidence.Quantizer);
        report = report with { LastCode = LastCodeFigures.Of(index, decoder?.Codes.Depth ?? index.Depth, decoder, cancellationToken) };
        Done(2, cancellationToken);
        report = report with { Neighbours = decoder is null || index.Count < 2 ? null
            : Neighbours(evidence.Embeddings!, decoder, raw, cancellationToken) };
        Done(3, cancellationToken);
        report = report with { Purity = evidence.Categories is null ? null : PurityFigures.Of(index, evidence.Categories) };
        Done(4, cancellationToken);
        report = report with
        {
            TextDuplicates = evidence.Texts is null ? null
                : DuplicateFigures.Of(index, row => evidence.Texts[row] is { Length: > 0 } text ? text : null, StringComparer.Ordinal),
            VectorDuplicates = evidence.Embeddings is null ? null
                : DuplicateFigures.Of(index, row => row, new VectorComparer(evidence.Embeddings)),
        };
        Done(Sections, cancellationToken);
        return report;
    }

    private NeighbourFigures Neighbours(EmbeddingTable vectors, CodeDecoder decoder, CodeTable? raw, CancellationToken cancellationToken)
    {
        int neighbours = Math.Min(options.Neighbours, index.Count - 1), count = Math.Min(options.MaxQueries, index.Count);
        int[] queries = [.. Enumerable.Range(0, count).Select(i => (int)((long)i * index.Count / count))];
        long[] before = NeighbourOverlap.Nearest(vectors, neighbours, queries, cancellationToken);
        double Share(CodeTable codes) =>
            NeighbourOverlap.Share(before, NeighbourOverlap.Nearest(decoder.Decode(codes), neighbours, queries, cancellationToken),
                neighbours);

        bool decodable = raw is not null && raw.Depth == decoder.Codes.Depth;
        return new NeighbourFigures(neighbours, count, decodable ? Share(raw!) : null, Share(decoder.Codes),
            evidence.Quantizer?.Kind ?? "mean residuals");
    }

    private void Done(int section, CancellationToken cancellationToken)
    {
        progress?.Report(new TrainingProgress("semantic-id-report", section, Sections));
        cancellationToken.ThrowIfCancellationRequested();
    }

    private sealed class VectorComparer(EmbeddingTable vectors) : IEqualityComparer<int>
    {
        public bool Equals(int x, int y) => vectors[x].SequenceEqual(vectors[y]);

        public int GetHashCode(int row)
        {
            var hash = new HashCode();
            foreach (float value in vectors[row])
            {
                hash.Add(value);
            }

            return hash.ToHashCode();
        }
    }
}
