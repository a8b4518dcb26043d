using MiniOneRec.Modeling;

namespace MiniOneRec.Alignment;

/// <summary>Makes the training samples of one skill.</summary>
/// <remarks>Implementations are immutable. No prompt may contain its answer.</remarks>
public interface IAlignmentTask
{
    /// <summary>Gets the task's name, under which its loss is reported.</summary>
    string Name { get; }

    /// <summary>Gets whether every epoch has samples of its own; by default they are made once.</summary>
    bool VariesByEpoch => false;

    /// <summary>Makes the samples of one epoch.</summary>
    /// <param name="data">The data.</param>
    /// <param name="template">Writes prompts and responses.</param>
    /// <param name="random">Seeded by the trainer's seed, the task and the epoch.</param>
    IEnumerable<TokenSample> CreateSamples(AlignmentData data, IPromptTemplate template, Random random);
}
