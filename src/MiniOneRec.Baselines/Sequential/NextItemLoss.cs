using System.Text.Json.Serialization;

namespace MiniOneRec.Baselines;

/// <summary>What a sequential baseline minimises behind every position of a sequence.</summary>
/// <remarks>
/// All but <see cref="FullSoftmax"/> compare the next item's score r with scores r_j of J other items that are drawn uniformly;
/// <see cref="BinaryCrossEntropy"/>, as its papers do, draws none of the sequence, and so never learns that an item of the history does not
/// come back. Published tables of one model differ by this choice more than by the model.
/// </remarks>
[JsonConverter(typeof(JsonStringEnumConverter<NextItemLoss>))]
public enum NextItemLoss
{
    /// <summary>Cross-entropy over the whole catalogue.</summary>
    FullSoftmax,

    /// <summary>−log σ(r) − Σ_j log σ(−r_j): Kang and McAuley (arXiv:1808.09781), section 3.5; Tang and Wang (arXiv:1809.07426), equation
    /// 9.</summary>
    BinaryCrossEntropy,

    /// <summary>Mean over j of σ(r_j − r) + σ(r_j²): Hidasi et al. (arXiv:1511.06939), section 3.1.3.</summary>
    Top1,

    /// <summary>−log Σ_j s_j σ(r − r_j) + Σ_j s_j r_j² with s = softmax(r_1 … r_J): Hidasi and Karatzoglou (arXiv:1706.03847), equation 9,
    /// with the weight 1 for the penalty.</summary>
    BprMax,

    /// <summary>Cross-entropy over the next item and the J others: Zhai et al. (arXiv:2402.17152), section 4.1.1.</summary>
    SampledSoftmax,
}
