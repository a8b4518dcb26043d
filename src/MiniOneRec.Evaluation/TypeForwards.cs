using System.Runtime.CompilerServices;
using MiniOneRec.Evaluation;

// These types moved to MiniOneRec.Abstractions with their namespace; applications that were compiled against version 0.1 still find them.
[assembly: TypeForwardedTo(typeof(IRankingMetric))]
[assembly: TypeForwardedTo(typeof(HitRate))]
[assembly: TypeForwardedTo(typeof(Ndcg))]
[assembly: TypeForwardedTo(typeof(Mrr))]
[assembly: TypeForwardedTo(typeof(RankingMetrics))]
[assembly: TypeForwardedTo(typeof(RankedExample))]
